#include "model/best_choices.hpp"

#include <algorithm>

namespace gemma4 {
namespace {

bool better(const DraftChoice& a, const DraftChoice& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

}  // namespace

void BestChoices::offer(const DraftChoice& choice) {
  if (count == most) {
    if (most == 0 || !better(choice, room[most - 1])) return;
    --count;
  }
  const auto end = room.begin() + count;
  const auto place = std::upper_bound(room.begin(), end, choice, better);
  std::move_backward(place, end, end + 1);
  *place = choice;
  ++count;
}

}  // namespace gemma4
