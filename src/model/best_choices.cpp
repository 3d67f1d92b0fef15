#include "model/best_choices.hpp"

namespace gemma4 {
namespace {

bool better(const DraftChoice& a, const DraftChoice& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

}  // namespace

void BestChoices::offer(const DraftChoice& choice) {
  if (count == room.size()) {
    if (count == 0 || !better(choice, room[count - 1])) return;
    --count;
  }
  std::uint32_t place = count++;
  for (; place > 0 && better(choice, room[place - 1]); --place) room[place] = room[place - 1];
  room[place] = choice;
}

}  // namespace gemma4
