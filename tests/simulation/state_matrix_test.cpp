// Every state of an IKE SA with every event that may come in it. What follows is kept in
// state_matrix.txt beside this file: a change in behaviour is a change there.
// With VIADUCT_WRITE_STATES set the file is written instead of compared (scripts/state_matrix).
#include "tests/simulation/matrix_states.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <format>
#include <fstream>
#include <iterator>
#include <ranges>

namespace viaduct::simulation {

BOOST_AUTO_TEST_SUITE(state_matrix)

namespace {

constexpr auto snapshot = "tests/simulation/state_matrix.txt";

std::string row(const std::string& event, const CellNote& note, const std::string& before) {
    return std::format("{} | {} | {} | {} | {}\n", event, note.sent, note.kernel, note.reported,
                       note.after == before ? "same" : note.after);
}

std::string cell_text(const MatrixState& state, const MatrixEvent& event) {
    const auto cell = state.make();
    const auto before = cell->state();
    cell->begin();
    if (!event.deliver(*cell))
        return "";
    // What is due at once.
    cell->peer.pass({});
    auto text = row(event.name, cell->note(), before);
    for (const auto& broken : cell->broken_promises())
        BOOST_ERROR("[" << state.name << "] " << event.name << ": " << broken);
    return text;
}

std::string matrix() {
    std::string out =
        "# event | sent | kernel | reported | after. Written by scripts/state_matrix.\n";
    for (const auto& state : matrix_states()) {
        out += std::format("\n[{}]\nabout: {}\nstate: {}\n", state.name, state.about,
                           state.make()->state());
        for (const auto& event : matrix_events())
            out += cell_text(state, event);
    }
    return out;
}

/// A line, known by its state and event.
struct Line {
    std::string key, text;
};

std::vector<Line> lines(const std::string& text) {
    std::vector<Line> out;
    std::string state;
    for (const auto part : std::views::split(text, '\n')) {
        const std::string line(part.begin(), part.end());
        if (line.starts_with('['))
            state = line + " ";
        out.push_back({state + line.substr(0, line.find(" | ")), state + line});
    }
    return out;
}

std::string difference(const std::string& kept, const std::string& now) {
    std::string out;
    const auto before = lines(kept), after = lines(now);
    for (const auto& old : before) {
        const auto found = std::ranges::find(after, old.key, &Line::key);
        if (found == after.end())
            out += "- " + old.text + "\n";
        else if (found->text != old.text)
            out += "- " + old.text + "\n+ " + found->text + "\n";
    }
    for (const auto& fresh : after)
        if (!std::ranges::contains(before, fresh.key, &Line::key))
            out += "+ " + fresh.text + "\n";
    return out.empty() ? "the same lines in another order\n" : out;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_each_event_does_in_each_state_is_as_it_was) {
    const auto now = matrix();
    if (std::getenv("VIADUCT_WRITE_STATES")) {
        std::ofstream(snapshot, std::ios::binary) << now;
        return;
    }
    std::ifstream file(snapshot, std::ios::binary);
    const std::string kept{std::istreambuf_iterator<char>(file), {}};
    BOOST_TEST((kept == now), "behaviour differs from "
                                  << snapshot << "; if it is meant so, scripts/state_matrix\n"
                                  << difference(kept, now));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace viaduct::simulation
