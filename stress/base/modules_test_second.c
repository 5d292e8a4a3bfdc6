/* The second file of one object: its static function has the name of one in the first. */
#include "modules_test_code.c"
