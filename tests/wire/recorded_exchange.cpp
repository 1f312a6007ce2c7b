#include "tests/wire/recorded_exchange.h"

#include "tests/wire/octets.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace viaduct::test {

namespace {

RecordedExchange read(const std::filesystem::path& path) {
    std::ifstream file(path);
    RecordedExchange exchange;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string name;
        std::string first;
        std::string second;
        words >> name >> first >> second;
        if (name == "scenario") {
            exchange.scenario = first;
        } else if (name == "message") {
            exchange.messages.push_back({first == "initiator", octets(second), {}, {}});
        } else if (name == "plain") {
            auto& message = exchange.messages.back();
            message.first_inner =
                ike::wire::PayloadType{static_cast<std::uint8_t>(std::stoul(first))};
            message.inner = octets(second);
        }
    }
    if (exchange.messages.empty()) {
        throw std::runtime_error("no messages in " + path.string());
    }
    return exchange;
}

std::vector<RecordedExchange> read_all() {
    std::vector<RecordedExchange> exchanges;
    for (const auto& entry : std::filesystem::directory_iterator("tests/vectors/charon-6.0.1")) {
        if (entry.path().extension() == ".hex") {
            exchanges.push_back(read(entry.path()));
        }
    }
    if (exchanges.empty()) {
        throw std::runtime_error("no recorded exchanges");
    }
    return exchanges;
}

} // namespace

const std::vector<RecordedExchange>& recorded_exchanges() {
    static const auto exchanges = read_all();
    return exchanges;
}

const RecordedExchange& recorded_exchange(std::string_view scenario) {
    const auto& all = recorded_exchanges();
    const auto found = std::ranges::find(all, scenario, &RecordedExchange::scenario);
    if (found == all.end()) {
        throw std::runtime_error("no exchange " + std::string(scenario));
    }
    return *found;
}

} // namespace viaduct::test
