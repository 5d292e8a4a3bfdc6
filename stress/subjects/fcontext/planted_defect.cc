// The defect that this program has planted. Its tests are compiled once for all defects.
extern const char* const planted_defect;
const char* const planted_defect = PLANTED;
