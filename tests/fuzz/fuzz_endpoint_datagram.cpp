// A router's endpoint under a stream of datagrams from anywhere, with time passing between them.
// One connection waits for its peer, another is calling. Nothing may crash, throw, or grow without
// bound.
#include "ike/endpoint.h"
#include "tests/fuzz/script_reader.h"
#include "tests/simulation/connections.h"

#include <botan/chacha_rng.h>

#include <cstdlib>

namespace {

using namespace viaduct;

policy::UdpPath path_from(std::uint8_t choice) {
    const std::uint16_t port = choice & 1 ? 4500 : 500;
    const auto remote = choice & 2 ? policy::IpAddress::v4(10, 10, 10, 4)
                                   : policy::IpAddress::v4(198, 51, 100, choice);
    return {{policy::IpAddress::v4(10, 10, 10, 5), port}, {remote, port}};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Botan::ChaCha_RNG rng(Botan::secure_vector<std::uint8_t>(32, 1));
    auto calling = simulation::left_vpn("calling");
    auto waiting = simulation::left_vpn("waiting");
    waiting.start = policy::StartAction::respond;
    waiting.peer_address = policy::AnyPeer{};
    ike::EndpointSettings settings;
    settings.half_open_limit = 8;
    settings.message_details = true;
    ike::Endpoint endpoint({{calling, waiting}}, rng, settings);

    ike::TimePoint now{std::chrono::hours(1)};
    endpoint.on_deadline(now);
    fuzz::ScriptReader input(data, size);
    while (!input.empty()) {
        const auto choice = input.octet();
        const auto length = input.u16();
        endpoint.on_datagram(now, path_from(choice), input.octets(length));
        now += std::chrono::milliseconds(std::uint32_t{choice} * 50);
        if (const auto due = endpoint.next_deadline(); due && *due <= now)
            endpoint.on_deadline(now);
        while (endpoint.next_effect()) {
        }
    }
    const auto status = endpoint.status();
    if (status.half_open > settings.half_open_limit || status.unmatched.size() > 16)
        std::abort();
    return 0;
}
