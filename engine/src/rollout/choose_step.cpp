#include "rollout/choose_step.hpp"

#include <iterator>

namespace deployer {

std::size_t choose_neediest(const std::deque<std::size_t>& waiting, const std::function<Worth(std::size_t)>& worth_of) {
    auto best = Worth::up;
    auto chosen = waiting.front();
    for (auto step = std::next(waiting.begin()); step != waiting.end() && best != Worth::down; ++step) {
        const auto worth = worth_of(*step);
        if (worth >= best) continue;
        best = worth;
        chosen = *step;
    }
    return best == Worth::up || worth_of(waiting.front()) <= best ? waiting.front() : chosen;
}

}  // namespace deployer
