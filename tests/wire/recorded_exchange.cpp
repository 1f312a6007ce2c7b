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

std::vector<RecordedExchange> read_all(const char* folder) {
    std::vector<RecordedExchange> exchanges;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".hex") {
            exchanges.push_back(read(entry.path()));
        }
    }
    if (exchanges.empty()) {
        throw std::runtime_error("no recorded exchanges");
    }
    return exchanges;
}

const RecordedExchange& find(const std::vector<RecordedExchange>& all, std::string_view scenario) {
    const auto found = std::ranges::find(all, scenario, &RecordedExchange::scenario);
    if (found == all.end()) {
        throw std::runtime_error("no exchange " + std::string(scenario));
    }
    return *found;
}

} // namespace

const std::vector<RecordedExchange>& recorded_exchanges() {
    static const auto exchanges = read_all("tests/vectors/charon-6.0.1");
    return exchanges;
}

const RecordedExchange& recorded_exchange(std::string_view scenario) {
    return find(recorded_exchanges(), scenario);
}

const std::vector<RecordedExchange>& recorded_v1_exchanges() {
    static const auto exchanges = read_all("tests/vectors/charon-6.0.1-ikev1");
    return exchanges;
}

const RecordedExchange& recorded_v1_exchange(std::string_view scenario) {
    return find(recorded_v1_exchanges(), scenario);
}

} // namespace viaduct::test
