#include "data/prepare/retirement.h"

namespace muybridge {

Retirement retire(const CorpusView& view, const std::vector<PresentClips::Origin>& there,
                  const std::set<std::string>& before) {
  std::set<std::string> current;
  for (const auto& [name, identities] : view.identities)
    current.insert(identities.begin(), identities.end());
  Retirement result;
  result.identities = before;
  for (const std::string& identity : current) result.identities.erase(identity);
  std::set<std::string> changed, removed;
  for (const PresentClips::Origin& source : there) {
    if (source.corpus != view.origin || current.contains(source.identity)) continue;
    const bool gone = !view.names.contains(source.name);
    if (!gone && !view.identities.contains(source.name)) continue;
    if (result.identities.insert(source.identity).second)
      (gone ? removed : changed).insert(source.name);
  }
  result.changed.assign(changed.begin(), changed.end());
  result.removed.assign(removed.begin(), removed.end());
  return result;
}

}  // namespace muybridge
