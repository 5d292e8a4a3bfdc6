// What do the words mean? One plain sentence each. The code under test sends its own words with its
// results; these are sigsweep's.

const WORDS = [
  ["signal boundary", "a point between two instructions at which a signal can arrive; it is named by the instruction that would run next"],
  ["operation, site", "a place in the code under test that is run, and that a signal interrupts; “site” is its short name in flags and results"],
  ["protocol", "a rule for both sides: which stub the operation and the handler use, and how they pass arguments"],
  ["handler", "the code that runs for a signal; a handler named as an operation makes that operation’s call, “none” only returns, “observe” takes a backtrace"],
  ["stub", "the assembly that switches from one stack to another"],
  ["slot", "a word of shared memory in which arguments and results travel; it is live from the write to the last read"],
  ["cell", "one protocol, one operation and one handler, tried with a signal at every boundary"],
  ["trial", "one run of an operation with the signals that were planned for it; its outcome is one verdict"],
  ["verdict", "the one word that a trial comes to; “ok” means that the signal changed nothing"],
  ["finding", "a trial whose verdict the protocol may not show, or that is not the predicted one"],
  ["expected", "a harmful verdict that the protocol is known to show: a danger that a claim speaks of, and no finding"],
  ["fault", "findings that probably have one cause"],
  ["claim", "a sentence with “every” or “exactly” that the proof tries to contradict at every boundary"],
  ["phase", "what holds at a boundary, in words that are the same in each build: the part of the code, whose stack SP is in, which slots are live"],
  ["two; two, nested", "two signals in one operation: the second lands later in the operation; or, nested, in the handler of the first"],
  ["altstack, ownstack", "protocols of a library: its handler runs on an alternate stack, or on whichever stack was in use"],
  ["storm", "many threads under signals that come when they like"],
  ["floor", "what a thing costs on this machine without sigsweep"],
  ["peer", "in benchmarks what a time is divided by, measured in the same process; among the sources of signals another thread"],
  ["night", "one run of all parts: proof, sweeps, storms, fuzzing, benchmarks"],
];

function drawWords(body) {
  const own = [...new Map(results.of("word").map((row) => [row.word, row])).values()];
  const protocols = [...new Map(results.of("protocol").map((row) => [row.name, row])).values()];
  const list = (entries) => element("dl", { class: "words" }, entries.map(([word, meaning]) => element("div", {}, element("dt", {}, shortened(word, 60)), element("dd", {}, `${shortened(meaning, 300)}.`))));
  body.append(list(WORDS));
  if (own.length > 0) body.append(element("h3", {}, "Words of the code under test"), list(own.map((row) => [row.word, row.meaning])));
  if (protocols.length > 0) {
    const enters = (row) => [row.operation_enters && `the operation enters ${row.operation_enters}`, row.handler_enters && `a handler ${row.handler_enters}`].filter((text) => text).join(", ");
    body.append(element("h3", {}, "Protocols"), list(protocols.map((row) => [row.name, `${row.summary}${enters(row) === "" ? "" : ` (${enters(row)})`}`])));
  }
  body.append(element("h3", {}, "Verdicts"), list([...results.verdicts.values()].map((verdict) => [verdict.name, verdict.meaning])), element("p", { class: "note" }, "docs/glossary.md of the project has all words."));
}
