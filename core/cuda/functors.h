#pragma once

// Every functor header of core/ops; a forgotten one is an undefined launcher at link time.
#include "core/ops/accumulate_functor.h"
#include "core/ops/activation_functor.h"
#include "core/ops/attention/attention_part_functor.h"
#include "core/ops/attention/rope_functor.h"
#include "core/ops/embedding_functor.h"
#include "core/ops/flow_functor.h"
#include "core/ops/loss_functor.h"
#include "core/ops/modulation_functor.h"
#include "core/ops/norm_functor.h"
#include "core/ops/product/quantize_functor.h"
#include "core/ops/regroup_functor.h"
#include "core/ops/residual_functor.h"
#include "core/ops/update/adamw_functor.h"
#include "core/ops/update/muon_functor.h"
