// A schedule as a tree, and a table of small changes to it.
#include "fuzz/mutator.h"

#include <algorithm>
#include <iterator>

#include "stress/schedule/schedule_bytes.h"

namespace sigsweep::fuzz {
namespace {

constexpr std::size_t kMostInjections = 4;  // in an operation; a trial takes no more
constexpr std::size_t kMostOperations = 16;

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {  // splitmix64
    std::uint64_t x = state_ += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
  bool one_in(std::size_t n) { return below(n) == 0; }
  std::uint8_t byte() { return static_cast<std::uint8_t>(next()); }

 private:
  std::uint64_t state_;
};

// An operation or an injection, with the records that belong to it.
struct Node {
  ByteRecord head;
  std::vector<ByteRecord> rest;
};

struct Tree {
  struct Operation {
    Node node;
    std::vector<Node> injections;
  };
  std::vector<Operation> operations;  // never empty; the first has protocol and seed
};

Tree tree_of(std::span<const std::uint8_t> bytes) {
  Tree tree;
  tree.operations.push_back({{ByteRecord::read(bytes, 0), {}}, {}});
  for (std::size_t i = 1; i < record_count(bytes); i++) {
    const ByteRecord record = ByteRecord::read(bytes, i);
    auto& operation = tree.operations.back();
    switch (record.kind()) {
      case ByteRecord::Kind::operation:
        if (tree.operations.size() == kMostOperations) return tree;
        tree.operations.push_back({{record, {}}, {}});
        break;
      case ByteRecord::Kind::injection:
        operation.injections.push_back({record, {}});
        // Its parent, as a number that means the same wherever it goes.
        operation.injections.back().head.byte[4] =
            static_cast<std::uint8_t>(wrapped(record.in(), operation.injections.size()));
        break;
      default:
        (operation.injections.empty() ? operation.node : operation.injections.back())
            .rest.push_back(record);
    }
  }
  return tree;
}

void append(const Node& node, Bytes* out) {
  out->insert(out->end(), std::begin(node.head.byte), std::end(node.head.byte));
  for (const ByteRecord& r : node.rest)
    out->insert(out->end(), std::begin(r.byte), std::end(r.byte));
}

Bytes bytes_of(const Tree& tree, std::size_t max_size) {
  Bytes bytes;
  for (const auto& operation : tree.operations) {
    append(operation.node, &bytes);
    for (const Node& injection : operation.injections) append(injection, &bytes);
  }
  bytes.resize(std::min(bytes.size(), max_size));
  return bytes;
}

// ---- new parts

ByteRecord random_injection(Random* random) {
  constexpr auto kKill = static_cast<std::uint8_t>(Source::kill);
  constexpr auto kSlowest = static_cast<std::size_t>(Source::itimer);
  ByteRecord record = ByteRecord::make(ByteRecord::Kind::injection, random->byte());
  record.byte[2] =
      random->one_in(2) ? kKill : static_cast<std::uint8_t>(random->below(kSlowest + 1));
  record.byte[3] = static_cast<std::uint8_t>(random->below(2));
  record.set(5, 2, random->next());
  record.set(7, 2, random->next());
  return record;
}

std::uint64_t random_value(Random* random) {
  const std::uint64_t any = random->next();
  switch (random->below(4)) {
    case 0:
      return any;
    case 1:
      return any % 4;
    case 2:
      return std::uint64_t{1} << (any % 64);
    default:
      return ~std::uint64_t{0} >> (any % 64);
  }
}

Tree::Operation random_operation(Random* random) {
  Tree::Operation operation{{ByteRecord::make(ByteRecord::Kind::operation, random->byte()), {}},
                            {}};
  auto& injections = operation.injections;
  do {
    injections.push_back({random_injection(random), {}});
    injections.back().head.byte[4] = static_cast<std::uint8_t>(random->below(injections.size()));
  } while (injections.size() < kMostInjections && random->one_in(2));
  return operation;
}

Tree random_tree(Random* random) {
  constexpr std::size_t kMost = 4;
  Tree tree;
  const std::size_t operations = 1 + random->below(kMost);
  while (tree.operations.size() < operations) tree.operations.push_back(random_operation(random));
  ByteRecord& first = tree.operations[0].node.head;
  for (std::uint8_t& byte : first.byte) byte = random->byte();
  return tree;
}

// ---- changes

using Operation = Tree::Operation;

Operation& some_operation(Tree* tree, Random* random) {
  return tree->operations[random->below(tree->operations.size())];
}

// An operation that has injections, and one of those; null if there is none.
Node* some_injection(Tree* tree, Random* random, Operation** of = nullptr) {
  Operation& operation = some_operation(tree, random);
  if (operation.injections.empty()) return nullptr;
  if (of != nullptr) *of = &operation;
  return &operation.injections[random->below(operation.injections.size())];
}

// Injection `at` (from 0) is gone, or has come. The numbers in `in` that refer to later ones change
// with it. An injection that nested in the one that is gone now nests in that one's parent.
void renumber_dropped(Operation* operation, std::size_t at, std::uint8_t heir) {
  for (Node& other : operation->injections) {
    std::uint8_t& in = other.head.byte[4];
    in = in == at + 1 ? heir : in > at + 1 ? static_cast<std::uint8_t>(in - 1) : in;
  }
}
void insert_injection(Operation* operation, std::size_t at, Node node) {
  for (Node& other : operation->injections) {
    if (other.head.byte[4] > at) other.head.byte[4]++;
  }
  node.head.byte[4] = static_cast<std::uint8_t>(wrapped(node.head.byte[4], at + 1));
  operation->injections.insert(operation->injections.begin() + static_cast<long>(at),
                               std::move(node));
}

void add_injection(Tree* tree, Random* random) {
  Operation& operation = some_operation(tree, random);
  if (operation.injections.size() >= kMostInjections) return;
  Node node{random_injection(random), {}};
  node.head.byte[4] = static_cast<std::uint8_t>(random->below(operation.injections.size() + 1));
  operation.injections.push_back(std::move(node));
}

Node take_injection(Operation* operation, std::size_t at) {
  Node node = std::move(operation->injections[at]);
  operation->injections.erase(operation->injections.begin() + static_cast<long>(at));
  renumber_dropped(operation, at, node.head.byte[4]);
  return node;
}

void drop_injection(Tree* tree, Random* random) {
  Operation& operation = some_operation(tree, random);
  if (operation.injections.size() < 2) return;
  take_injection(&operation, random->below(operation.injections.size()));
}

void move_injection(Tree* tree, Random* random) {
  Operation* from = nullptr;
  const Node* node = some_injection(tree, random, &from);
  Operation& to = some_operation(tree, random);
  if (node == nullptr || (&to != from && to.injections.size() >= kMostInjections)) return;
  Node moved = take_injection(from, static_cast<std::size_t>(node - from->injections.data()));
  insert_injection(&to, random->below(to.injections.size() + 1), std::move(moved));
}

void duplicate_injection(Tree* tree, Random* random) {
  Node* node = some_injection(tree, random);
  Operation& to = some_operation(tree, random);
  if (node == nullptr || to.injections.size() >= kMostInjections) return;
  Node copy = *node;
  copy.head.set(7, 2, random->next());  // its own boundary, for its own signal
  insert_injection(&to, random->below(to.injections.size() + 1), std::move(copy));
}

void nest(Tree* tree, Random* random) {
  Operation* operation = nullptr;
  Node* node = some_injection(tree, random, &operation);
  if (node == nullptr) return;
  const auto earlier = static_cast<std::size_t>(node - operation->injections.data());
  node->head.byte[4] = static_cast<std::uint8_t>(random->below(earlier + 1));
}

void retarget_phase(Tree* tree, Random* random) {
  if (Node* node = some_injection(tree, random)) {
    node->head.set(5, 2, random->next());
    node->head.set(7, 2, random->next());
  }
}

// To the next phase, or the one before.
void step_phase(Tree* tree, Random* random) {
  if (Node* node = some_injection(tree, random))
    node->head.set(5, 2, node->head.phase() + (random->one_in(2) ? 1U : 0xffffU));
}

// The same within a phase.
void step_boundary(Tree* tree, Random* random) {
  if (Node* node = some_injection(tree, random))
    node->head.set(7, 2, node->head.nth() + (random->one_in(2) ? 1U : 0xffffU));
}

void change_handler(Tree* tree, Random* random) {
  if (Node* node = some_injection(tree, random)) node->head.byte[1] = random->byte();
}

void change_source(Tree* tree, Random* random) {
  if (Node* node = some_injection(tree, random)) {
    const ByteRecord drawn = random_injection(random);
    std::copy(drawn.byte + 2, drawn.byte + 4, node->head.byte + 2);
  }
}

void add_operation(Tree* tree, Random* random) {
  if (tree->operations.size() == kMostOperations) return;
  Operation operation{{ByteRecord::make(ByteRecord::Kind::operation, random->byte()), {}}, {}};
  operation.injections.push_back({random_injection(random), {}});
  tree->operations.push_back(std::move(operation));
}

// The first operation's record has the schedule's own numbers; they stay in front.
void keep_front(Tree* tree, const ByteRecord& front) {
  for (Operation& operation : tree->operations) {
    operation.node.head =
        ByteRecord::make(ByteRecord::Kind::operation, operation.node.head.index());
  }
  ByteRecord& first = tree->operations[0].node.head;
  const std::uint8_t site = first.byte[1];
  first = front;
  first.byte[1] = site;
}

void drop_operation(Tree* tree, Random* random) {
  if (tree->operations.size() < 2) return;
  const ByteRecord front = tree->operations[0].node.head;
  tree->operations.erase(tree->operations.begin() +
                         static_cast<long>(random->below(tree->operations.size())));
  keep_front(tree, front);
}

void move_operation(Tree* tree, Random* random) {
  const ByteRecord front = tree->operations[0].node.head;
  std::swap(some_operation(tree, random), some_operation(tree, random));
  keep_front(tree, front);
}

void duplicate_operation(Tree* tree, Random* random) {
  if (tree->operations.size() == kMostOperations) return;
  const ByteRecord front = tree->operations[0].node.head;
  tree->operations.push_back(some_operation(tree, random));
  keep_front(tree, front);
}

void change_site(Tree* tree, Random* random) {
  some_operation(tree, random).node.head.byte[1] = random->byte();
}

void change_protocol(Tree* tree, Random* random) {
  tree->operations[0].node.head.byte[0] = random->byte();
}

void change_seed(Tree* tree, Random* random) {
  tree->operations[0].node.head.set(2, 8, random->next());
}

Node& some_node(Tree* tree, Random* random) {
  Node* injection = some_injection(tree, random);
  return injection != nullptr && random->one_in(2) ? *injection : some_operation(tree, random).node;
}

void add_argument(Tree* tree, Random* random) {
  std::vector<ByteRecord>& rest = some_node(tree, random).rest;
  constexpr std::size_t kMostArguments = 8;
  if (rest.size() == kMostArguments) return;
  rest.push_back(
      ByteRecord::make(ByteRecord::Kind::argument, random->byte(), random_value(random)));
}

void drop_argument(Tree* tree, Random* random) {
  std::vector<ByteRecord>& rest = some_node(tree, random).rest;
  if (!rest.empty()) rest.erase(rest.begin() + static_cast<long>(random->below(rest.size())));
}

// Weights: the place of a signal decides most.
constexpr struct {
  void (*change)(Tree* tree, Random* random);
  unsigned weight;
} kChanges[] = {
    {retarget_phase, 6}, {step_phase, 3},          {step_boundary, 3},  {change_handler, 5},
    {change_site, 4},    {change_protocol, 3},     {add_injection, 4},  {drop_injection, 4},
    {move_injection, 1}, {duplicate_injection, 2}, {nest, 3},           {change_source, 2},
    {add_operation, 1},  {drop_operation, 3},      {move_operation, 1}, {duplicate_operation, 1},
    {change_seed, 1},    {add_argument, 1},        {drop_argument, 1},
};

void change_something(Tree* tree, Random* random) {
  unsigned all = 0;
  for (const auto& each : kChanges) all += each.weight;
  auto drawn = static_cast<unsigned>(random->below(all));
  for (const auto& each : kChanges) {
    if (drawn < each.weight) return each.change(tree, random);
    drawn -= each.weight;
  }
}

}  // namespace

Bytes mutate(std::span<const std::uint8_t> input, std::size_t max_size, std::uint64_t seed) {
  constexpr unsigned kAfreshEvery = 4;
  Random random(seed);
  if (random.one_in(kAfreshEvery)) return bytes_of(random_tree(&random), max_size);
  Tree tree = tree_of(input);
  constexpr unsigned kMostChanges = 4;
  const auto changes = 1 + random.below(kMostChanges);
  for (std::size_t i = 0; i < changes; i++) change_something(&tree, &random);
  // An operation without a signal shows nothing.
  const bool silent = std::ranges::all_of(
      tree.operations, [](const Operation& operation) { return operation.injections.empty(); });
  if (silent) add_injection(&tree, &random);
  return bytes_of(tree, max_size);
}

Bytes cross(std::span<const std::uint8_t> one, std::span<const std::uint8_t> other,
            std::size_t max_size, std::uint64_t seed) {
  Random random(seed);
  Tree tree = tree_of(one);
  const Tree second = tree_of(other);
  if (random.one_in(2)) {  // injections of both in one operation
    Operation& operation = some_operation(&tree, &random);
    for (const Node& node : second.operations[0].injections) {
      if (operation.injections.size() == kMostInjections) break;
      insert_injection(&operation, operation.injections.size(), node);
    }
  } else {  // the beginning of one, the end of the other
    const ByteRecord front = tree.operations[0].node.head;
    tree.operations.resize(1 + random.below(tree.operations.size()));
    const std::size_t from = random.below(second.operations.size());
    const std::size_t room = kMostOperations - tree.operations.size();
    const std::size_t count = std::min(room, second.operations.size() - from);
    tree.operations.insert(tree.operations.end(),
                           second.operations.begin() + static_cast<long>(from),
                           second.operations.begin() + static_cast<long>(from + count));
    keep_front(&tree, front);
  }
  return bytes_of(tree, max_size);
}

}  // namespace sigsweep::fuzz
