/* A shared object that is no adapter for adapter_smoke: NEWER: of the next version of sigsweep_adapter.h. SHORT: its
 * struct lacks the last field. NOTHING: it defines no adapter. */
#include <sigsweep_adapter.h>

#ifndef NOTHING
const struct sigsweep_adapter *sigsweep_adapter(void) {
  static struct sigsweep_adapter adapter = {.abi = SIGSWEEP_ADAPTER_ABI, .size = sizeof adapter, .name = "bad"};
#ifdef NEWER
  adapter.abi++;
#else
  adapter.size -= sizeof adapter.current;
#endif
  return &adapter;
}
#endif
