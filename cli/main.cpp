#include "cli/commands.h"
#include "cli/run.h"

int main(int argc, char** argv) {
  using namespace muybridge;
  CLI::App program("Muybridge trains text-to-video diffusion transformers.", "muybridge");
  program.footer(R"(Examples:
  muybridge doctor
  muybridge config check configs/shapes.yaml)");
  add_config_command(program);
  add_corpus_command(program);
  add_doctor_command(program);
  return run_program(program, argc, argv);
}
