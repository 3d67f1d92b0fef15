/* Prints where every field of the header's structs lies, and every constant: abi_test compares it
 * with layout.txt. A field may be added at the end of a struct, nothing may move. */
#include <stdio.h>

#include "gemma4.h"

#define SIZE(type) printf("%s %zu\n", #type, sizeof(type))
#define FIELD(type, field) \
  printf("  %s %zu %zu\n", #field, offsetof(type, field), sizeof(((type*)0)->field))
#define CONSTANT(name) printf("%s = %ld\n", #name, (long)(name))

int main(void) {
#include "layout.inc"
  return 0;
}
