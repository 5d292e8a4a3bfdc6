// Where PLANT_BELOW and PLANT_TARGET_BELOW keep r12, in bytes from SP: a test sets it.
#include <cstdint>

extern "C" std::int64_t planted_below;
std::int64_t planted_below = -136;  // the first word beyond amd64's red zone
