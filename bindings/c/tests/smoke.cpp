// The C interface from C++: a closing wrapper, moved into a thread.
#include "poolcast.h"
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace {

std::string_view view(poolcast_str s) { return {s.data, s.len}; }

class Formula {
  public:
    explicit Formula(std::string_view text) {
        poolcast_report report;
        if (poolcast_compile(text.data(), text.size(), 0, &handle_, &report) != POOLCAST_OK) {
            std::string words(view(poolcast_report_text(report)));
            poolcast_report_free(report);
            throw std::invalid_argument(words);
        }
    }
    Formula(Formula &&other) noexcept : handle_(std::exchange(other.handle_, poolcast_formula{0})) {}
    Formula(const Formula &) = delete;
    ~Formula() { poolcast_formula_free(handle_); }

    poolcast_targets evaluate(poolcast_feed feed, std::int64_t now) const {
        poolcast_targets targets{};
        poolcast_report report;
        if (poolcast_evaluate(handle_, feed, now, &targets, &report) != POOLCAST_OK) {
            std::string words(view(poolcast_report_text(report)));
            poolcast_report_free(report);
            throw std::runtime_error(words);
        }
        return targets;
    }

  private:
    poolcast_formula handle_{0};
};

} // namespace

int main() {
    if (poolcast_abi_version() != POOLCAST_ABI) return 1;
    Formula formula("$TargetDedicatedNodes = max($ActiveTasks.GetSample(3));");
    poolcast_feed feed{0};
    std::uint32_t active = 0;
    if (poolcast_feed_new(0, &feed, nullptr) != POOLCAST_OK) return 1;
    if (poolcast_metric("$ActiveTasks", 12, &active, nullptr) != POOLCAST_OK) return 1;
    for (int i = 0; i < 5; ++i)
        if (poolcast_feed_push(feed, active, 1000 * i, i, nullptr) != POOLCAST_OK) return 1;

    // Made here, used and closed there.
    std::int64_t seen = 0;
    std::thread([moved = std::move(formula), feed, &seen] { seen = moved.evaluate(feed, 10000).dedicated; }).join();
    if (seen != 4) return 1;

    try {
        Formula broken("$TargetDedicatedNodes = ;");
        return 1;
    } catch (const std::invalid_argument &e) {
        if (std::string_view(e.what()).find("error") == std::string_view::npos) return 1;
    }
    try {
        Formula late("$TargetDedicatedNodes = avg($PendingTasks.GetSample(1));");
        late.evaluate(feed, 10000);
        return 1;
    } catch (const std::runtime_error &e) {
        if (std::string_view(e.what()).find("Line 1") == std::string_view::npos) return 1;
    }
    poolcast_feed_free(feed);
    std::cout << "ok\n";
}
