// The flags of `sigsweep history`, which a build without SQLite has, too.
#include "stress/host/commands/history.h"

namespace sigsweep {

void add_history_flags(CLI::App* app, Options* o) {
  app->require_subcommand(1);
  const auto add = [&](const char* name, const char* help) {
    CLI::App* const part = app->add_subcommand(name, help);
    part->callback([o, name] { o->history.part = name; });
    part->add_option("--history", o->history.file, "the history's file")->capture_default_str();
    part->add_option("--json", o->json, "results file (JSON lines)");
    return part;
  };
  add("import", "take runs in: nights, results files, JSON of `sigsweep bench`")
      ->add_option("files", o->files, "a night's folder, a file, or a folder with such")
      ->required();
  add("list", "one line a run, from the oldest");
  add("show", "what a run did, or when a finding was seen")
      ->add_option("name", o->files, "NIGHT|FINDING: an id or its beginning; last, last~1 ...")
      ->required()
      ->expected(1);
  add("compare", "what is new, gone, slower, was not run, or did no work")
      ->add_option("names", o->files, "A B: the older run, then the other, named as in `show`")
      ->required()
      ->expected(2);
  add("clean", "runs that are old go, with their logs and corpora; findings stay")
      ->add_option("--keep", o->history.keep, "what is younger stays: 12h, 30d, 8w")
      ->capture_default_str();
}

}  // namespace sigsweep
