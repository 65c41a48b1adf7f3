//===- FiguresTest.cpp - numbers for readers ------------------------------===//

#include "xfa/Report/Figures.h"

#include <gtest/gtest.h>

namespace xfa {
namespace {

TEST(Figures, ThreeDigitsAndAPrefix) {
  struct {
    double Value;
    const char *Text;
  } Table[] = {
      {0, "0"},
      {7, "7"},
      {999, "999"},
      {999.4, "999"},
      {999.6, "1.00 k"},
      {1000, "1.00 k"},
      {1234, "1.23 k"},
      {9.996, "10.0"},
      {99.96, "100"},
      {0.5, "0.50"},
      {2949504000.0 * 32 + 313200.0 * 32 * 32, "94.7 G"}, // GPT-2 XL, B=1 N=32
      {2949504000.0 * 1024 + 313200.0 * 1024 * 1024, "3.35 T"},
      {999.4e9, "999 G"},
      {999.6e9, "1.00 T"},
      {1e27, "1.00e+27"},
  };
  for (const auto &Row : Table)
    EXPECT_EQ(figure(Row.Value), Row.Text) << Row.Value;
  EXPECT_EQ(figure(12, "B"), "12 B");
}

TEST(Figures, RatingsAsOnADatasheet) {
  EXPECT_EQ(rating(300e9, "B/s"), "300 GB/s");
  EXPECT_EQ(rating(65e12, "FLOP/s"), "65 TFLOP/s");
  EXPECT_EQ(rating(989.5e12, "FLOP/s"), "989.5 TFLOP/s");
  EXPECT_EQ(rating(3350e9, "B/s"), "3.35 TB/s");
}

TEST(Figures, DurationsInTheUnitThatFits) {
  EXPECT_EQ(duration(94704844800 / 65e12), "1.46 ms");
  EXPECT_EQ(duration(3.97), "3.97 s");
  EXPECT_EQ(duration(0.9996), "1.00 s");
  EXPECT_EQ(duration(12e-6), "12.0 µs");
  EXPECT_EQ(duration(2e-9), "2.00 ns");
  EXPECT_EQ(duration(0), "0 s");
  EXPECT_EQ(duration(4000), "4.00 ks");
}

TEST(Figures, Percentages) {
  EXPECT_EQ(percent(0.601), "60.1 %");
  EXPECT_EQ(percent(std::nullopt), "–");
}

TEST(Figures, WidthIsColumnsNotBytes) {
  EXPECT_EQ(textWidth("·B·N²"), 5u);
  EXPECT_EQ(padLeft("N²", 4), "  N²");
  EXPECT_EQ(padRight("≥", 3), "≥  ");
}

TEST(Figures, NamesCannotDriveTheTerminal) {
  EXPECT_EQ(printable("a\033[31mb\n"), "a?[31mb?");
  EXPECT_EQ(printable("\xff\xfe"), "??");
  EXPECT_EQ(printable("größe"), "größe");
}

} // namespace
} // namespace xfa
