// A router's endpoint under a stream of datagrams from anywhere, with time passing between them.
// One connection waits for its peer, another is calling. Nothing may crash, throw, or grow without
// bound.
#include "ike/endpoint.h"
#include "tests/simulation/connections.h"

#include <botan/chacha_rng.h>

#include <cstdlib>

namespace {

using namespace viaduct;

struct Input {
    const std::uint8_t* data;
    std::size_t size;

    std::uint8_t octet() {
        if (size == 0)
            return 0;
        --size;
        return *data++;
    }
    std::span<const std::uint8_t> octets(std::size_t count) {
        const std::span<const std::uint8_t> out(data, std::min(count, size));
        data += out.size();
        size -= out.size();
        return out;
    }
};

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
    Input input{data, size};
    while (input.size > 0) {
        const auto choice = input.octet();
        const auto length = static_cast<std::size_t>(input.octet()) << 8 | input.octet();
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
