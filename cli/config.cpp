#include "train/config.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "train/load_config.h"

namespace muybridge {
namespace {

struct Arguments {
  std::string file;
  std::vector<std::string> overrides;
};

Command add_reader(const Command& config, const std::string& name, const std::string& help,
                   const std::string& examples, void (*run)(const Arguments&)) {
  const Command command = config.add_command(name, help);
  auto arguments = std::make_shared<Arguments>();
  command.add_option("FILE", arguments->file, "YAML configuration of a run").required();
  command.add_option("a.b=c", arguments->overrides, "Values that replace the file's");
  command.footer(examples);
  command.run([arguments, run] { run(*arguments); });
  return command;
}

void show(const Arguments& arguments) {
  fmt::print("{}", to_yaml(load_train_config(arguments.file, arguments.overrides)));
}

void check(const Arguments& arguments) {
  const TrainConfig config = load_train_config(arguments.file, arguments.overrides);
  fmt::print("{}: in order; the run would be written to {}\n", arguments.file,
             config.folder().string());
}

}  // namespace

void add_config_command(const Command& program) {
  const Command config = program.add_command("config", "Show or check the configuration of a run");
  config.needs_command();
  config.footer(R"(Examples:
  muybridge config check configs/shapes.yaml
  muybridge config show configs/shapes.yaml train.steps=200)");
  add_reader(config, "show", "Print every value a run would use, with its meaning", R"(Examples:
  muybridge config show configs/shapes.yaml
  muybridge config show configs/shapes.yaml optimizer.learning_rate=5e-4 model.patch=[1,4,4])",
             show);
  add_reader(config, "check", "Report every mistake as file:line:column: key: reason",
             R"(Examples:
  muybridge config check configs/finetune.yaml
  muybridge config check configs/finetune.yaml data.train=prepared/my-clips)",
             check);
  const Command reference =
      config.add_command("reference", "Print what may be configured, as Markdown");
  reference.footer(R"(Examples:
  muybridge config reference > docs/configuration.md)");
  reference.run([] { fmt::print("{}", train_config_reference()); });
}

}  // namespace muybridge
