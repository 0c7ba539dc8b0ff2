// How sure the choice of the most likely token is.

#include <cmath>

#include "export.h"
#include "vector16.h"

// Of each row of logits [rows, vocab]: the first of the largest numbers, its lead over the next, and the largest size.
EXPORT void find_leads(int64_t rows, int64_t vocab, const float* logits, int32_t* choice, float* lead, float* size) {
  for (int64_t r = 0; r < rows; r++) {
    const float* row = logits + r * vocab;
    int32_t best = 0;
    float first = row[0], second = -INFINITY, most = std::fabs(row[0]);
    for (int64_t c = 1; c < vocab; c++) {
      most = std::fmax(most, std::fabs(row[c]));
      if (row[c] > first) {
        second = first;
        first = row[c];
        best = int32_t(c);
      } else if (row[c] > second) {
        second = row[c];
      }
    }
    choice[r] = best;
    lead[r] = first - second;
    size[r] = most;
  }
}
