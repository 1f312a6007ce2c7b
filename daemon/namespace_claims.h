// Which router runs in which namespace: a namespace can have one.
#pragma once

#include "netns/network_namespace.h"

#include <cstddef>
#include <expected>
#include <map>
#include <memory>
#include <string>

namespace viaduct::daemon {

class NamespaceClaims {
public:
    /// Ends the claim with its destructor. Not after the NamespaceClaims.
    class Claim {
    public:
        Claim(NamespaceClaims& claims, netns::NetworkNamespace::Identity place)
            : claims_(claims), place_(place) {}
        Claim(const Claim&) = delete;
        Claim& operator=(const Claim&) = delete;
        ~Claim() { claims_.holders_.erase(place_); }

    private:
        NamespaceClaims& claims_;
        netns::NetworkNamespace::Identity place_;
    };

    /// When it fails: the name of the router that has the namespace.
    std::expected<std::unique_ptr<Claim>, std::string>
    claim(netns::NetworkNamespace::Identity place, const std::string& router) {
        const auto [holder, free] = holders_.try_emplace(place, router);
        if (!free) {
            return std::unexpected(holder->second);
        }
        return std::make_unique<Claim>(*this, place);
    }
    /// How many namespaces have a router.
    std::size_t count() const { return holders_.size(); }

private:
    std::map<netns::NetworkNamespace::Identity, std::string> holders_;
};

} // namespace viaduct::daemon
