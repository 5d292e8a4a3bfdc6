// Which defect this program has planted, for its tests, which are compiled once for all.
extern const char* const planted_defect;
const char* const planted_defect = PLANTED;
