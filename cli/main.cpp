#include "cli/commands.h"
#include "cli/run.h"
#include "cli/thread_waiting.h"
#include "core/flush_denormals.h"

int main(int argc, char** argv) {
  using namespace muybridge;
  bound_thread_spinning(argv);
  flush_denormals();
  CLI::App program("Muybridge trains text-to-video diffusion transformers.", "muybridge");
  program.footer(R"(Examples:
  muybridge doctor
  muybridge config check configs/shapes.yaml)");
  add_bench_command(program);
  add_checkpoint_command(program);
  add_config_command(program);
  add_corpus_command(program);
  add_doctor_command(program);
  add_evaluate_command(program);
  add_prepare_command(program);
  add_sample_command(program);
  add_train_command(program);
  return run_program(program, argc, argv);
}
