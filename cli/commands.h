#pragma once

#include <CLI/CLI.hpp>

namespace muybridge {

// Each command is a file: it adds its options to the program and what to do with them. A mistake on
// the command line throws CLI::ParseError, everything else Error.

void add_bench_command(CLI::App& program);
void add_checkpoint_command(CLI::App& program);
void add_config_command(CLI::App& program);
void add_corpus_command(CLI::App& program);
void add_doctor_command(CLI::App& program);
void add_evaluate_command(CLI::App& program);
void add_prepare_command(CLI::App& program);
void add_sample_command(CLI::App& program);
void add_train_command(CLI::App& program);

}  // namespace muybridge
