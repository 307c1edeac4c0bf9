# Skeleton while the parts are being written; see HACKING.
O ?= build
CC ?= gcc
CSTD = -std=c11 -D_GNU_SOURCE
WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Werror
CFLAGS ?= -O2 -g
MSGPACK := $(shell pkg-config --exists msgpack-c && echo msgpack-c || echo msgpack)
CPPFLAGS += -I. -Iclients/include
