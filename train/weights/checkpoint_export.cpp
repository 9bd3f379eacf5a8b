#include "train/weights/checkpoint_export.h"

#include <algorithm>

#include "core/error.h"
#include "model/autoencoder/public_names.h"
#include "model/wan_names.h"

namespace muybridge {
namespace {

void require_kind(const CheckpointReader& reader, StateKind which) {
  if (!reader.manifest().has(which))
    fail(ExitCode::kUsage, "{} has no {}{}", reader.path().string(), name_of(which),
         which == StateKind::kEma ? "; ask for --raw, the weights of the last step" : "");
}

Tensor read_whole(const CheckpointReader& reader, StateKind which,
                  const ManifestParameter& parameter) {
  Tensor whole = Tensor::empty(parameter.shape);
  reader.read(which, parameter.name, whole);
  return whole;
}

}  // namespace

void export_weights(const CheckpointReader& reader, const ExportOptions& options,
                    const std::filesystem::path& out) {
  const Manifest& manifest = reader.manifest();
  require_kind(reader, options.which);
  std::vector<SafetensorsSpec> specs;
  for (const ManifestParameter& parameter : manifest.parameters)
    for (const WanPart& part : wan_parts(parameter.name, parameter.shape, options.patch))
      specs.push_back({part.name, options.dtype, part.shape});
  SafetensorsMetadata metadata = options.metadata;
  metadata["format"] = "pt";  // transformers and diffusers refuse files without it
  SafetensorsWriter writer(out, specs, metadata);
  for (const ManifestParameter& parameter : manifest.parameters) {
    const Tensor whole = read_whole(reader, options.which, parameter).to(options.dtype);
    for (const WanPart& part : wan_parts(parameter.name, parameter.shape, options.patch))
      writer.add(part.name, take_wan_part(part, whole, options.patch));
  }
  writer.commit();
}

void export_autoencoder(const CheckpointReader& reader, const ExportOptions& options,
                        const AutoencoderOptions& model, const std::filesystem::path& out) {
  require_kind(reader, options.which);
  std::vector<SafetensorsSpec> specs;
  const auto there = [&](const ManifestParameter& parameter) {
    return public_autoencoder_tensor(parameter.name, parameter.shape, model.blocks);
  };
  for (const ManifestParameter& parameter : reader.manifest().parameters)
    specs.push_back({there(parameter).name, options.dtype, there(parameter).shape});
  SafetensorsMetadata metadata = options.metadata;
  metadata["format"] = "pt";
  SafetensorsWriter writer(out, specs, metadata);
  for (const ManifestParameter& parameter : reader.manifest().parameters)
    writer.add(there(parameter).name,
               to_public_tensor(read_whole(reader, options.which, parameter).to(options.dtype),
                                there(parameter)));
  writer.commit();
}

void import_weights(const SafetensorsReader& file, const Grid& patch,
                    const Parameters& parameters) {
  for (const Parameter& parameter : parameters.list()) {
    const Tensor whole = Tensor::empty(parameter.spec.shape);
    for (const WanPart& part : wan_parts(parameter.spec.name, parameter.spec.shape, patch)) {
      const Tensor stored = file.read(part.name);
      if (stored.shape() != part.shape)
        fail(ExitCode::kUsage, "{} is {} in the file, {} in the model ({})", part.name,
             stored.shape(), part.shape, parameter.spec.name);
      put_wan_part(part, stored, patch, whole);
    }
    const Tensor mine = Tensor::empty(parameter.shape);
    gather(whole, parameter.slice(), mine);
    parameters.fill(parameter, mine);
  }
}

}  // namespace muybridge
