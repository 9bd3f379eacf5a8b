#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/thread_waiting.h"
#include "core/system/flush_denormals.h"

int main(int argc, char** argv) {
  using namespace muybridge;
  bound_thread_spinning(argv);
  flush_denormals();
  Program program("muybridge", "Muybridge trains models that draw short films from a sentence.");
  const Command root = program.root();
  root.footer(R"('muybridge COMMAND --help' explains a command.

Examples:
  muybridge doctor
  muybridge prepare my-clips prepared/my-clips --size 32x32
  muybridge train configs/shapes.yaml run.name=my-clips data.train=prepared/my-clips eval.prompts=
  muybridge sample runs/my-clips --prompt "a red kite rises" --out clips)");
  // In the order in which a newcomer meets them.
  add_doctor_command(root);
  add_corpus_command(root);
  add_prepare_command(root);
  add_config_command(root);
  add_plan_command(root);
  add_train_command(root);
  add_sample_command(root);
  add_evaluate_command(root);
  add_checkpoint_command(root);
  add_bench_command(root);
  return program.run(argc, argv);
}
