#include "stress/host/page/page.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "stress/host/options.h"
#include "stress/host/page/page_json.h"
#include "stress/host/page/page_sources.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLibraryScript = "/usr/share/nodejs/d3/dist/d3.min.js";
constexpr const char* kLibraryLicence = "/usr/share/doc/node-d3/copyright";

std::string package_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) {
    throw Failure(kHarnessFailed,
                  fmt::format("no page is made: {} cannot be read; the Debian package {} has it",
                              path, kLibraryPackage));
  }
  return text.str();
}

void replace_all(std::string* text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = text->find(what, at)) != text->npos; at += with.size())
    text->replace(at, what.size(), with);
}

// Nothing in a script may end its element.
std::string for_script(std::string text) {
  replace_all(&text, "</script", "<\\/script");
  replace_all(&text, "<!--", "<\\!--");
  return text;
}

std::string page_script() {
  std::string script;
  for (const char* const* text = kPageScripts; *text != nullptr; text++) script += *text;
  return script;
}

std::string in_comment(std::string text) {
  replace_all(&text, "*/", "* /");
  return "/*\n" + text + "*/\n";
}

}  // namespace

PageLibrary page_library() {
  return {package_file(kLibraryScript), package_file(kLibraryLicence)};
}

std::string page_html(const PageModel& model, const PageLibrary& library) {
  // Marks are looked for in the template alone: a name in the data that looks like one stays.
  const std::pair<const char*, std::string> marks[] = {
      {"{{style}}", kPageStyle},
      {"{{data}}", script_safe(page_json(model))},
      {"{{library}}", for_script(in_comment(library.licence) + library.script)},
      {"{{script}}", for_script(page_script())}};
  std::string html;
  std::string_view rest = kPageHtml;
  for (const auto& [mark, text] : marks) {
    const std::size_t at = rest.find(mark);
    if (at == rest.npos) throw std::logic_error(fmt::format("page.html has no {}", mark));
    html += rest.substr(0, at);
    html += text;
    rest.remove_prefix(at + std::string_view(mark).size());
  }
  return html += rest;
}

void write_page(const std::string& html, const fs::path& path) {
  const fs::path part = path.string() + ".part";
  std::error_code error;
  {
    std::ofstream out(part, std::ios::binary);
    if (!(out << html) || !out.flush()) {
      fs::remove(part, error);
      throw Failure(kHarnessFailed, fmt::format("{}: cannot be written", path.string()));
    }
  }
  fs::rename(part, path, error);
  if (error)
    throw Failure(kHarnessFailed,
                  fmt::format("{}: cannot be written: {}", path.string(), error.message()));
}

}  // namespace sigsweep
