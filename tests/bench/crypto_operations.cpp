// Prints what one operation of ike/crypto costs, in microseconds of the processor: the fastest of
// several rounds, so that other processes disturb little.
#include "ike/crypto/key_exchange.h"
#include "ike/crypto/shared_key_auth.h"
#include "ike/crypto/v2_encrypted_payload.h"

#include <botan/auto_rng.h>
#include <botan/system_rng.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <limits>
#include <string>

using namespace viaduct;
using policy::KeyExchangeMethod;
namespace wire = ike::wire;

namespace {

using Octets = std::vector<std::uint8_t>;

template <typename Operation> double microseconds(int repetitions, Operation operation) {
    double best = std::numeric_limits<double>::max();
    for (int round = 0; round < 7; ++round) {
        const auto start = std::clock();
        for (int i = 0; i < repetitions; ++i) {
            operation();
        }
        const auto taken = static_cast<double>(std::clock() - start) * 1e6 / CLOCKS_PER_SEC;
        best = std::min(best, taken / repetitions);
    }
    return best;
}

void print(const std::string& name, double value) {
    std::printf("%-34s %9.2f\n", name.c_str(), value);
}

void measure_key_exchange(KeyExchangeMethod method, Botan::RandomNumberGenerator& rng) {
    const auto ours = ike::crypto::KeyExchange::generate(method, rng).value();
    const auto theirs = ike::crypto::KeyExchange::generate(method, rng).value();
    const std::string name(policy::facts(method)->name);
    print(name + " generate",
          microseconds(50, [&] { ike::crypto::KeyExchange::generate(method, rng).value(); }));
    print(name + " agree",
          microseconds(50, [&] { ours.agree(theirs.public_value(), rng).value(); }));
}

void measure_messages(const char* name, const policy::IkeSuite& suite,
                      Botan::RandomNumberGenerator& rng) {
    const policy::Secret shared(rng.random_vec(32));
    const Octets nonce(32, 1);
    const auto spi = wire::IkeSpi{1};
    const auto keys = ike::crypto::derive_ike_keys(suite, shared, nonce, nonce, spi, spi).value();
    const auto direction = ike::crypto::initiator_direction(keys);
    const std::vector<wire::Payload> payloads{wire::VendorIdPayload{Octets(250, 1)}};
    const auto seal = [&](std::uint64_t counter) {
        return ike::crypto::seal_v2_message(suite, direction, {}, payloads, counter, rng).value();
    };
    const auto message = seal(0);
    const auto encrypted = *wire::decode_v2_message(message).value().encrypted;
    print(std::string(name) + " derive keys", microseconds(500, [&] {
              ike::crypto::derive_ike_keys(suite, shared, nonce, nonce, spi, spi).value();
          }));
    std::uint64_t counter = 1;
    print(std::string(name) + " seal", microseconds(500, [&] { seal(counter++); }));
    print(std::string(name) + " open", microseconds(500, [&] {
              ike::crypto::open_v2_message(suite, direction, message, encrypted).value();
          }));
    const policy::Identity identity{.type = policy::IdentityType::ipv4_address,
                                    .data = {10, 10, 10, 5}};
    const ike::crypto::SignedOctets octets{message, nonce, keys.pi, identity};
    print(std::string(name) + " auth", microseconds(500, [&] {
              ike::crypto::shared_key_auth(suite.prf, shared, octets).value();
          }));
}

} // namespace

int main() {
    Botan::System_RNG rng;
    Botan::AutoSeeded_RNG seeded;
    std::printf("%-34s %9s\n", "operation", "us");
    print("random 32, system", microseconds(500, [&] { rng.random_vec(32); }));
    print("random 32, HMAC_DRBG", microseconds(500, [&] { seeded.random_vec(32); }));
    for (auto method :
         {KeyExchangeMethod::curve25519, KeyExchangeMethod::ecp256, KeyExchangeMethod::ecp384,
          KeyExchangeMethod::modp2048, KeyExchangeMethod::modp3072, KeyExchangeMethod::modp4096}) {
        measure_key_exchange(method, rng);
    }
    measure_messages("aes256gcm16-prfsha384",
                     {.encryption = policy::EncryptionAlgorithm::aes_gcm_16,
                      .key_bits = 256,
                      .prf = policy::PseudoRandomFunction::hmac_sha2_384},
                     rng);
    measure_messages("aes256-sha256",
                     {.encryption = policy::EncryptionAlgorithm::aes_cbc,
                      .key_bits = 256,
                      .prf = policy::PseudoRandomFunction::hmac_sha2_256,
                      .integrity = policy::IntegrityAlgorithm::hmac_sha2_256_128},
                     rng);
}
