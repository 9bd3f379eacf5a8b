#pragma once

#include "cli/command_line.h"

namespace muybridge {

// Each command is a file: it adds its options to the program and what to do with them, which throws
// Error.

void add_bench_command(const Command& program);
void add_checkpoint_command(const Command& program);
void add_config_command(const Command& program);
void add_corpus_command(const Command& program);
void add_doctor_command(const Command& program);
void add_evaluate_command(const Command& program);
void add_plan_command(const Command& program);
void add_prepare_command(const Command& program);
void add_sample_command(const Command& program);
void add_train_command(const Command& program);

}  // namespace muybridge
