# Objects of each part, found by folder; libraries by pkg-config. `make O=DIR` builds elsewhere.
O ?= build
CC ?= gcc
PKG_CONFIG ?= pkg-config
MSGPACK := $(shell $(PKG_CONFIG) --exists msgpack-c 2>/dev/null && echo msgpack-c || echo msgpack)
CFLAGS ?= -O2 -g
WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Werror
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) -I. -Iclients/include -MMD -MP

protocol_objects := $(patsubst %.c,$(O)/%.o,$(wildcard protocol/*.c))
config_objects := $(patsubst %.c,$(O)/%.o,$(wildcard config/*.c))
daemon_objects := $(patsubst %.c,$(O)/%.o,$(wildcard daemon/*.c))
worker_objects := $(patsubst %.c,$(O)/%.o,$(wildcard workers/*.c))
worker_core := $(filter-out $(O)/workers/main.o,$(worker_objects))

all: $(O)/retaind $(O)/retain-worker

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c $< -o $@

$(O)/retaind: $(daemon_objects) $(config_objects) $(protocol_objects)
	$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@ $(shell $(PKG_CONFIG) --libs libzmq libevent $(MSGPACK) inih libxxhash libsystemd) -lm

$(O)/retain-worker: $(worker_objects) $(config_objects) $(protocol_objects)
	$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@ $(shell $(PKG_CONFIG) --libs $(MSGPACK) inih libxxhash) -lpthread -lm

.PHONY: all
-include $(shell find $(O) -name '*.d' 2>/dev/null)
