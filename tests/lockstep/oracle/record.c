/* Records go to memory shared with the parent, so that they survive a crash of the library. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "oracle.h"

static u8_t *base;
static size_t capacity;

void record_reset(void *memory, size_t size)
{
  base = memory;
  capacity = size;
  memset(base, 0, sizeof(size_t));
}

size_t record_length(void)
{
  size_t used;
  memcpy(&used, base, sizeof used);
  return used;
}

void record(u8_t kind, const void *body, size_t length)
{
  size_t used = record_length();
  u8_t *p = base + sizeof used + used;
  u16_t short_length = (u16_t)length;
  if (sizeof used + used + 7 + length > capacity) {
    fprintf(stderr, "oracle: too many records in one answer\n");
    _exit(2);
  }
  p[0] = kind;
  memcpy(p + 1, &virtual_ms, 4);
  memcpy(p + 5, &short_length, 2);
  memcpy(p + 7, body, length);
  used += 7 + length;
  memcpy(base, &used, sizeof used);
}

void record_i32(u8_t kind, s32_t value)
{
  record(kind, &value, sizeof value);
}
