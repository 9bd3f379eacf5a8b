// What most tests include beside what the house does.
#include "house.hxx"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
