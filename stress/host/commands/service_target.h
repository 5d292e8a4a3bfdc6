// The checks of one fuzz target that lies in $OUT, as the services' check of bad builds has them.
#pragma once

#include <string>
#include <vector>

#include "stress/host/commands/service_configurations.h"
#include "stress/host/commands/service_image.h"

namespace sigsweep {

// A thing that is wrong.
struct ServiceProblem {
  std::string what;
  std::string shown;  // the end of the log that shows it, to be printed; may be empty
};

// What a configuration's build left.
struct ServiceOut {
  ServiceConfiguration configuration;
  std::string out;      // the folder; absolute
  std::string sources;  // the checkout; absolute
  std::string work;     // a folder to work in; absolute
};

std::vector<ServiceProblem> check_target(const ServiceOut& out, const std::string& target);
// Of one that a target loads.
std::vector<ServiceProblem> check_shared_object(const ServiceOut& out, const std::string& name);

// The end of a text, indented, for somebody who reads what is wrong. Without the escape sequences
// of a terminal: AFL++ always writes them.
std::string end_of_log(const std::string& text);
std::string read_file(const std::string& path);

// The options in the text of a .options file, as arguments.
std::vector<std::string> libfuzzer_options(const std::string& text);

// Why no target can be run here as in the services' image; empty: it can.
std::string why_no_image(const std::string& sources, const std::string& work);

}  // namespace sigsweep
