// Reading TOML tables key by key, so that every mistake in a file is found in one go.
#pragma once

#include "policy/connection_file.h"
#include "policy/toml_parser.h"

namespace viaduct::policy {

/// The mistakes found so far. Beyond `max_mistakes` they are dropped.
class Mistakes {
public:
    static constexpr std::size_t max_mistakes = 100;

    explicit Mistakes(std::string_view file) : file_(file) {}

    void add(toml::source_position place, std::string message);
    /// A mistake without a place in the text.
    void add(std::string message) { add({}, std::move(message)); }
    bool empty() const { return mistakes_.empty(); }
    bool full() const { return mistakes_.size() >= max_mistakes; }
    std::string_view file() const { return file_; }
    /// In the order of the text.
    std::vector<FileMistake> in_order() const;

private:
    std::string file_;
    std::vector<FileMistake> mistakes_;
};

/// A string of the file and its place.
struct PlacedText {
    std::string text;
    toml::source_region region;

    /// The place of an octet of the text, where the text is written as it is.
    toml::source_position place(std::size_t offset = 0) const;
};

/// The longest string that the file may hold, except for a PSK.
inline constexpr std::size_t max_text = 255;

/// One table with the keys it may have. The methods return nothing for what is absent or wrong;
/// what is wrong has then been added to the mistakes.
class TomlTable {
public:
    /// `title` is how messages call the table: `connection 'vpn2'`.
    TomlTable(const toml::table& table, std::string title, Mistakes& mistakes)
        : table_(&table), title_(std::move(title)), mistakes_(&mistakes) {}

    void refuse_keys_except(std::span<const std::string_view> known) const;

    bool has(std::string_view key) const { return table_->contains(key); }
    /// Adds a mistake when a key is absent.
    void require(std::string_view key, std::string_view example) const;
    void mistake(std::string message) const;
    /// At the value of a key, or at the table when the key is absent.
    void mistake(std::string_view key, std::string message) const;

    /// `expected` completes "expected a string such as …".
    std::optional<PlacedText> text(std::string_view key, std::string_view example,
                                   std::size_t longest = max_text) const;
    /// The index of the word.
    std::optional<std::size_t> word(std::string_view key,
                                    std::span<const std::string_view> words) const;
    std::optional<std::int64_t> integer(std::string_view key, std::int64_t lowest,
                                        std::int64_t highest) const;
    std::optional<bool> boolean(std::string_view key) const;
    /// An integer or a floating-point number.
    std::optional<double> number(std::string_view key, double lowest, double highest) const;
    std::optional<std::uint16_t> port(std::string_view key) const;
    std::optional<std::chrono::milliseconds> milliseconds(std::string_view key,
                                                          std::chrono::milliseconds shortest,
                                                          std::chrono::milliseconds longest) const;
    std::optional<std::chrono::seconds> duration(std::string_view key,
                                                 std::chrono::seconds shortest,
                                                 std::chrono::seconds longest) const;
    /// The strings of an array that is not empty; those of the wrong type are left out.
    std::vector<PlacedText> texts(std::string_view key, std::string_view example,
                                  std::size_t most) const;
    const toml::table* table(std::string_view key, std::string_view example) const;

    const std::string& title() const { return title_; }
    Mistakes& mistakes() const { return *mistakes_; }
    toml::source_position place() const { return table_->source().begin; }

private:
    const toml::table* table_;
    std::string title_;
    Mistakes* mistakes_;
};

/// `found an integer` and so on, with the article.
std::string_view type_name(const toml::node& node);

/// Whether a name may stand in commands and in logs: letters, digits and `. _ : -`, not starting
/// with a hyphen, at most 128.
bool is_plain_name(std::string_view name);
inline constexpr std::string_view plain_name_rule =
    "1 to 128 letters, digits and any of . _ : - (not first)";

} // namespace viaduct::policy
