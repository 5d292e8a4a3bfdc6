// What is known of a library before any signal, as records: for `sigsweep adapter check`.
#pragma once

#include "stress/subjects/adapter/adapter.h"

namespace sigsweep::adapter {

// Sends these records:
//   adapter   name= version= abi= build= promises= traits= file=
//   stack     name= lowest= size= from=sigsweep|library
//   site      name= executed=           instructions, the C library's among them
//   switch    site= part= at= from= to=  the instruction that moves SP from one stack to another
//   code      symbol= module= begin= end= executed=
//   left_out  symbol= module= executed= why=
//   promise   name= given= ok= detail=
//   problem   what= where= allowed=
//   done
// Returns the exit status, that of the first problem: 2 the adapter is wrong, 3 the library failed.
// After start().
int send_check(const Adapter& adapter);

}  // namespace sigsweep::adapter
