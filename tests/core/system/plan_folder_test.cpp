#include "core/system/plan_folder.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace muybridge {
namespace {

// A variable of the environment until the end of a scope; null: unset.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before, was_set_ = true;
    if (value)
      ::setenv(name, value, 1);
    else
      ::unsetenv(name);
  }
  ~Variable() {
    if (was_set_)
      ::setenv(name_, before_.c_str(), 1);
    else
      ::unsetenv(name_);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::string before_;
  bool was_set_ = false;
};

TEST(PlanFolder, IsInTheUsersCache) {
  const Variable home("HOME", "/home/someone");
  const Variable none("XDG_CACHE_HOME", nullptr);
  EXPECT_EQ(plan_folder(), "/home/someone/.cache/muybridge/plans");
  const Variable cache("XDG_CACHE_HOME", "/fast/cache");
  EXPECT_EQ(plan_folder(), "/fast/cache/muybridge/plans");
}

TEST(PlanFolder, IgnoresARelativeCache) {
  const Variable home("HOME", "/home/someone");
  const Variable cache("XDG_CACHE_HOME", "cache");
  EXPECT_EQ(plan_folder(), "/home/someone/.cache/muybridge/plans");
}

TEST(PlanFolder, IsNoneWithoutAHome) {
  const Variable home("HOME", nullptr);
  const Variable cache("XDG_CACHE_HOME", "");
  EXPECT_TRUE(plan_folder().empty());
}

}  // namespace
}  // namespace muybridge
