#include "tests/crypto/charon_recording.h"

#include "policy/proposal_choice.h"
#include "tests/crypto/vector_file.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace viaduct::test {

namespace {

policy::Secret secret(const std::string& hexadecimal) {
    return policy::Secret(std::span<const std::uint8_t>(octets(hexadecimal)));
}

ike::wire::IkeSpi spi(const std::string& hexadecimal) {
    return ike::wire::IkeSpi{std::stoull(hexadecimal, nullptr, 16)};
}

policy::IkeSuite suite(const std::string& text) {
    const auto proposal = policy::parse_proposal(text, policy::ProtocolId::ike).value();
    return policy::ike_suite(proposal).value();
}

void read_plain(Recording& recording, std::istringstream& values) {
    unsigned first = 0;
    std::string content;
    values >> first >> content;
    recording.messages.back().plain = {.first = ike::wire::PayloadType(first),
                                       .octets = octets(content)};
}

bool read_child_key(RecordedSa& sa, const std::string& name, const std::string& value) {
    if (sa.children.empty()) {
        return false;
    }
    auto& child = sa.children.back();
    if (name == "encryption_i") {
        child.initiator.encryption = secret(value);
    } else if (name == "encryption_r") {
        child.responder.encryption = secret(value);
    } else if (name == "integrity_i") {
        child.initiator.integrity = secret(value);
    } else if (name == "integrity_r") {
        child.responder.integrity = secret(value);
    } else {
        return false;
    }
    return true;
}

bool read_ike_key(ike::crypto::IkeKeys& keys, const std::string& name, const std::string& value) {
    const std::pair<const char*, policy::Secret*> names[] = {
        {"sk_d", &keys.d},   {"sk_ai", &keys.ai}, {"sk_ar", &keys.ar}, {"sk_ei", &keys.ei},
        {"sk_er", &keys.er}, {"sk_pi", &keys.pi}, {"sk_pr", &keys.pr}};
    for (const auto& [key_name, key] : names) {
        if (name == key_name) {
            *key = secret(value);
            return true;
        }
    }
    return false;
}

void read_of_sa(RecordedSa& sa, const std::string& name, const std::string& value) {
    if (name == "suite") {
        sa.suite = suite(value);
    } else if (name == "ni") {
        sa.ni = octets(value);
    } else if (name == "nr") {
        sa.nr = octets(value);
    } else if (name == "g_ir") {
        sa.g_ir = secret(value);
    } else if (!read_ike_key(sa.keys, name, value) && !read_child_key(sa, name, value)) {
        throw std::runtime_error("the recording has an unknown line: " + name);
    }
}

void read_line(Recording& recording, const std::string& line) {
    std::istringstream values(line);
    std::string name;
    std::string value;
    values >> name;
    if (name == "plain") {
        read_plain(recording, values);
        return;
    }
    values >> value;
    if (name == "scenario") {
        recording.scenario = value;
    } else if (name == "psk") {
        recording.psk = secret(value);
    } else if (name == "sa") {
        std::string responder;
        values >> responder;
        recording.sas.push_back({.initiator_spi = spi(value), .responder_spi = spi(responder)});
    } else if (name == "child") {
        recording.sas.back().children.emplace_back();
    } else if (name == "message") {
        values >> value;
        recording.messages.push_back({.octets = octets(value)});
    } else {
        read_of_sa(recording.sas.back(), name, value);
    }
}

} // namespace

const RecordedSa* Recording::find(ike::wire::IkeSpi initiator, ike::wire::IkeSpi responder) const {
    const auto found = std::ranges::find_if(sas, [&](const RecordedSa& sa) {
        return sa.initiator_spi == initiator && sa.responder_spi == responder;
    });
    return found == sas.end() ? nullptr : &*found;
}

Recording read_recording(const std::filesystem::path& path) {
    std::ifstream file(path);
    Recording recording;
    for (std::string line; std::getline(file, line);) {
        if (!line.empty() && line.front() != '#') {
            read_line(recording, line);
        }
    }
    if (recording.messages.empty()) {
        throw std::runtime_error("no recording in " + path.string());
    }
    return recording;
}

std::vector<Recording> read_recordings() {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator("tests/vectors/charon-6.0.1")) {
        if (entry.path().extension() == ".hex") {
            paths.push_back(entry.path());
        }
    }
    std::ranges::sort(paths);
    std::vector<Recording> recordings;
    std::ranges::transform(paths, std::back_inserter(recordings), read_recording);
    return recordings;
}

} // namespace viaduct::test
