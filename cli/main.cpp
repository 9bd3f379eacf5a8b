#include "cli/commands.h"
#include "cli/run.h"
#include "cli/thread_waiting.h"
#include "core/system/flush_denormals.h"

int main(int argc, char** argv) {
  using namespace muybridge;
  bound_thread_spinning(argv);
  flush_denormals();
  CLI::App program("Muybridge trains models that draw short films from a sentence.", "muybridge");
  program.footer(R"('muybridge COMMAND --help' explains a command.

Examples:
  muybridge doctor
  muybridge prepare my-clips prepared/my-clips --size 32x32
  muybridge train configs/shapes.yaml run.name=my-clips data.train=prepared/my-clips eval.prompts=
  muybridge sample runs/my-clips --prompt "a red kite rises" --out clips)");
  // In the order in which a newcomer meets them.
  add_doctor_command(program);
  add_corpus_command(program);
  add_prepare_command(program);
  add_config_command(program);
  add_train_command(program);
  add_sample_command(program);
  add_evaluate_command(program);
  add_checkpoint_command(program);
  add_bench_command(program);
  return run_program(program, argc, argv);
}
