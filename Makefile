# retaind: plain make. Each folder is an archive of its objects without main.o; programs link the archives they may use.
#
#   make                 build into build/ (another place: make O=DIR; every command: make V=1)
#   make deps            install what building needs (Debian packages)
#   make check           install what tests need, build, run all of them; make check-unit ... runs a part
#   make demo            see it work
#   make install         PREFIX=/usr/local DESTDIR=
#   make deb             build/deb/*.deb
VERSION = 0.1.0
SOVERSION = 0
REVISION = 1

O ?= build
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
LIBEXECDIR ?= $(PREFIX)/libexec/retaind
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions

ifeq ($(origin CC),default)
CC = gcc
endif
AR ?= ar
OBJCOPY ?= objcopy
PKG_CONFIG ?= pkg-config
INSTALL ?= install

# Sanitizer and coverage builds set HARDENING to nothing.
CFLAGS ?= -O2 -g
HARDENING ?= -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong
LDHARDENING ?= -Wl,-z,relro,-z,now
# Texts are bounded by snprintf on purpose, so gcc's guesses at what it might cut are off.
WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Werror \
           -Wno-unknown-warning-option -Wno-format-truncation
DEFINES = -D_GNU_SOURCE -DRT_VERSION='"$(VERSION)"' -DRT_LIBEXECDIR='"$(LIBEXECDIR)"' \
          -DRT_CONFIG_FILE='"$(SYSCONFDIR)/retaind/retaind.conf"'

# Libraries by pkg-config; msgpack is called msgpack in Debian and msgpack-c upstream; libcsv has no .pc file.
comma = ,
once = $(if $(cached_$(1)),,$(eval cached_$(1) := $(shell $(2))))$(cached_$(1))
msgpack = $(call once,msgpack,$(PKG_CONFIG) --exists msgpack-c 2>/dev/null && echo msgpack-c || echo msgpack)
cflags_all = $(call once,cflags,$(PKG_CONFIG) --cflags libzmq libevent $(msgpack) libxxhash libsystemd jansson nlopt)
libs_daemon = $(call once,daemon,$(PKG_CONFIG) --libs libzmq libevent $(msgpack) libxxhash libsystemd) -lm
libs_worker = $(call once,worker,$(PKG_CONFIG) --libs $(msgpack) libxxhash) -lpthread -lm
libs_retain = $(call once,retain,$(PKG_CONFIG) --libs libzmq $(msgpack))
libs_retainctl = $(call once,retainctl,$(PKG_CONFIG) --libs libzmq $(msgpack) libxxhash jansson nlopt) -lcsv -lpthread -lm
libs_test = $(libs_daemon) $(libs_retainctl) $(call once,cmocka,$(PKG_CONFIG) --libs cmocka)

# Hidden by default: libretain exports what retain.h marks and nothing else.
ALL_CFLAGS = -std=c11 $(WARNINGS) $(HARDENING) $(CFLAGS) -fPIC -fvisibility=hidden $(DEFINES) -I. -Iclients/include \
             $(cflags_all)
ALL_LDFLAGS = $(CFLAGS) $(LDHARDENING) $(LDFLAGS) -Wl,--as-needed
PIE ?= -pie
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $@;)

# ---- objects ---------------------------------------------------------------------------------

objects = $(patsubst %.c,$(O)/%.o,$(wildcard $(1)/*.c))

protocol = $(call objects,protocol)
config = $(call objects,config)
daemon = $(filter-out $(O)/daemon/main.o,$(call objects,daemon))
workers = $(filter-out $(O)/workers/main.o,$(call objects,workers))
libretain = $(call objects,clients/libretain)
retainctl = $(filter-out $(O)/clients/retainctl/main.o,$(call objects,clients/retainctl))
testlib = $(call objects,tests/lib)
simsystem = $(call objects,tests/sim/system)
benchlib = $(call objects,bench/lib)
peerlib = $(filter-out %_load.o %_worker.o,$(call objects,bench/peers))
benches = $(patsubst %.c,$(O)/%,$(wildcard bench/*.c))
peers = $(patsubst %.c,$(O)/%,$(wildcard bench/peers/*_load.c bench/peers/*_worker.c))
tests = $(patsubst %.c,$(O)/%,$(wildcard tests/unit/*.c tests/golden/*.c tests/property/*.c tests/sim/*.c))
fuzzers = $(patsubst %.c,$(O)/%,$(wildcard tests/fuzz/fuzz_*.c))

archive = $(O)/lib/$(1).a
archives = $(foreach name,$(1),$(call archive,$(name)))

# Whatever part is not there yet is left out rather than breaking the others.
programs = $(if $(wildcard daemon/main.c),$(O)/retaind) \
           $(if $(wildcard workers/main.c),$(O)/retain-worker) \
           $(if $(wildcard clients/retainctl/main.c),$(O)/retainctl) \
           $(O)/config-document
libraries = $(if $(wildcard clients/libretain/*.c),$(O)/libretain.a $(O)/libretain.so)

examples = $(patsubst %.c,$(O)/%,$(wildcard examples/*.c))

all: $(programs) $(libraries) $(examples)

# ---- programs and libraries --------------------------------------------------------------------

$(O)/retaind: $(O)/daemon/main.o $(call archives,daemon config protocol)
	$(call say,LINK)$(CC) $(PIE) $(ALL_LDFLAGS) $^ -o $@ $(libs_daemon)

$(O)/retain-worker: $(O)/workers/main.o $(call archives,workers config protocol)
	$(call say,LINK)$(CC) $(PIE) $(ALL_LDFLAGS) $^ -o $@ $(libs_worker)

$(O)/retainctl: $(O)/clients/retainctl/main.o $(call archives,retainctl libretain workers config protocol)
	$(call say,LINK)$(CC) $(PIE) $(ALL_LDFLAGS) $^ -o $@ $(libs_retainctl)

$(O)/config-document: $(O)/config/tool/document.o $(call archives,config protocol)
	$(call say,LINK)$(CC) $(PIE) $(ALL_LDFLAGS) $^ -o $@ -lm

$(O)/libretain.so: $(O)/libretain.so.$(SOVERSION)
	@ln -sf $(<F) $@

$(O)/libretain.so.$(SOVERSION): $(libretain) $(call archives,config protocol)
	$(call say,LINK)$(CC) -shared -Wl,-soname,$(@F) $(ALL_LDFLAGS) $^ -o $@ $(libs_retain)

$(O)/examples/%: $(O)/examples/%.o $(O)/libretain.a
	$(call say,LINK)$(CC) $(PIE) $(ALL_LDFLAGS) $^ -o $@ $(libs_retain)

# One object that shows only the public names, so that nothing of ours collides with a program's own.
$(O)/libretain.a: $(libretain) $(call archives,config protocol)
	$(call say,AR)$(CC) -r -nostdlib $^ -o $(O)/libretain.o
	@$(OBJCOPY) --wildcard --keep-global-symbol='retain_*' $(O)/libretain.o
	@rm -f $@ && $(AR) rcs $@ $(O)/libretain.o

define archive_rule
$(call archive,$(1)): $$($(1)) $(O)/sources
	@mkdir -p $$(@D)
	$$(call say,AR)rm -f $$@ && $$(AR) rcs $$@ $$($(1))
endef
$(foreach name,protocol config daemon workers libretain retainctl testlib simsystem benchlib peerlib,$(eval $(call archive_rule,$(name))))

$(O)/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# Other flags, or a source that went away, rebuild what depends on them.
$(O)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS))' | cmp -s - $@ || \
	    echo '$(subst ','\'',$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS))' > $@
$(O)/sources: FORCE
	@mkdir -p $(@D)
	@echo '$(sort $(protocol) $(config) $(daemon) $(workers) $(libretain) $(retainctl) $(testlib) $(simsystem) $(benchlib) $(peerlib))' | \
	    cmp -s - $@ || \
	    echo '$(sort $(protocol) $(config) $(daemon) $(workers) $(libretain) $(retainctl) $(testlib) $(simsystem) $(benchlib) $(peerlib))' > $@

# ---- tests, fuzzers, benchmarks ----------------------------------------------------------------

# A test links the archives of the folders it includes from, and what those may use.
.SECONDEXPANSION:
uses_daemon = daemon
uses_workers = workers
uses_clients/libretain = libretain
uses_retain.h = libretain
uses_clients/retainctl = retainctl libretain workers
uses_tests/lib = testlib
uses_tests/sim/system = simsystem daemon workers
uses_bench/lib = benchlib
uses_bench/peers = peerlib workers
included = $(sort $(shell sed -nE 's,^.include "(daemon|workers|clients/libretain|clients/retainctl|tests/lib|tests/sim/system|bench/lib|bench/peers|retain\.h).*,\1,p' $(1)))
archives_of = $(call archives,$(sort $(foreach folder,$(call included,$(1)),$(uses_$(folder))) config protocol))
link_test = $(CC) $(PIE) $(ALL_LDFLAGS) $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -o $@ $(libs_test)

# The fuzzers too are compiled, so that whoever changes what they call hears of it.
test-programs: $(tests) $(addsuffix .o,$(fuzzers)) shims

# Preloaded into real programs, to make their system calls fail.
shims: $(patsubst %.c,$(O)/%.so,$(wildcard tests/shim/*.c))

$(O)/bench/shim/%.so: bench/shim/%.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) -shared $(filter-out -D_FORTIFY_SOURCE=2,$(ALL_CFLAGS)) $< -o $@ -ldl

$(O)/tests/shim/%.so: tests/shim/%.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) -shared $(filter-out -D_FORTIFY_SOURCE=2,$(ALL_CFLAGS)) $< -o $@ -ldl

$(tests): $(O)/%: $(O)/%.o $$(call archives_of,$$*.c)
	$(call say,LINK)$(link_test)

# The simulation of the whole links the real programs and stands in for every system call they make.
sim_wrapped = pthread_create pthread_join pthread_mutex_init pthread_mutex_destroy pthread_mutex_lock \
              pthread_mutex_unlock pthread_cond_init pthread_cond_destroy pthread_cond_wait pthread_cond_timedwait \
              pthread_cond_broadcast pthread_cond_signal read write recv sendmsg close fcntl eventfd timerfd_create \
              timerfd_settime poll clock_gettime getrandom getpid flock _exit exit abort kill waitpid \
              event_base_new event_base_free event_base_dispatch event_base_loopbreak event_new event_free event_add \
              event_del zmq_ctx_new zmq_ctx_term zmq_socket zmq_close zmq_bind zmq_connect zmq_socket_monitor zmq_setsockopt zmq_getsockopt \
              zmq_msg_recv zmq_msg_more zmq_msg_send zmq_send rt_spawn_find rt_spawn_worker rt_supervisor_start rt_numbers_give \
              rt_core_event
$(O)/tests/sim/sim_system: private ALL_LDFLAGS += $(addprefix -Wl$(comma)--wrap=,$(sim_wrapped))

fuzz-programs: $(fuzzers)

$(fuzzers): $(O)/%: $(O)/%.o $$(call archives_of,$$*.c)
	$(call say,LINK)$(link_test) -fsanitize=fuzzer

# The same targets without a fuzzer, for any compiler: each runs over the files it is given.
replays = $(patsubst $(O)/tests/fuzz/fuzz_%,$(O)/tests/fuzz/replay_%,$(fuzzers))
replay-programs: $(replays)

$(replays): $(O)/tests/fuzz/replay_%: $(O)/tests/fuzz/fuzz_%.o $(O)/tests/fuzz/replay.o \
                                      $$(call archives_of,tests/fuzz/fuzz_$$*.c)
	$(call say,LINK)$(link_test)

bench-programs: $(benches) $(patsubst %.c,$(O)/%.so,$(wildcard bench/shim/*.c))

$(benches): $(O)/%: $(O)/%.o $$(call archives_of,$$*.c)
	$(call say,LINK)$(link_test)

# What retaind is measured beside: these alone need Redis's and NATS's libraries.
peer-programs: $(peers)

$(peers): $(O)/%: $(O)/%.o $$(call archives_of,$$*.c)
	$(call say,LINK)$(link_test) $(if $(findstring redis,$@),-lhiredis,-lnats)

# Figures of retaind alone; make bench BENCH=--quick for a shorter look, BENCH="--accounts 10000000" for how it grows.
bench: all bench-programs
	bench/run.py $(O) $(BENCH)

# The same job done by Redis Streams and NATS JetStream, and what the hardware allows: docs/PERFORMANCE.md.
# make bench-peers PEERS="--quick", or --help for the rest.
bench-peers:
	packaging/dependencies build bench
	$(MAKE) --no-print-directory all bench-programs peer-programs
	bench/peers.py $(O) $(PEERS)

# The tables of docs/PERFORMANCE.md from what these two wrote to bench/results.
performance:
	bench/report.py bench/results docs/PERFORMANCE.md

# The tables of docs/SCORE.md from the logs that are in EVIDENCE; without them those rows stay as they are.
EVIDENCE ?= ../shared/data
evidence: $(O)/retainctl
	bench/evidence.py $(O)/retainctl $(EVIDENCE)

# The parts: style build unit property asan integration fuzz (tests/run says what each does).
check:
	tests/run
check-%:
	tests/run $*
style: check-style

# make fuzz FUZZ=config SECONDS=60 (libFuzzer); make fuzz-afl FUZZ=config SECONDS=60 (AFL++)
SECONDS ?= 60
.PHONY: fuzz-afl replay-programs
fuzz:
	FUZZ_SECONDS=$(SECONDS) tests/run fuzz $(if $(FUZZ),fuzz_$(FUZZ))
fuzz-afl:
	packaging/dependencies build test afl
	tests/fuzz/afl $(SECONDS) $(FUZZ)

# kill -9 of real processes under load; the same test runs a few rounds in `make check`.
ROUNDS ?= 1000
kill-rounds:
	RETAIND_KILL_ROUNDS=$(ROUNDS) TEST_SECONDS=7200 tests/run integration test_kill

# make sim SEEDS=10000: the simulation of the whole, one seed after the other, from SEED on (else from the clock).
SEEDS ?= 100
sim: test-programs
	SIM_SEEDS=$(SEEDS) SIM_QUIET=1 $(if $(SEED),RETAIND_TEST_SEED=$(SEED)) nice $(O)/tests/sim/sim_system

# Every call of a worker's disk, failing in every way (tests/sim/sim_faults.c says which), and every system call of real processes on
# the state directory (tests/integration/test_crash_walk.py, test_backup_walk.py): hours.
crash-walk:
	RETAIND_WALK_STRIDE=1 RETAIND_CRASH_STRIDE=1 TEST_SECONDS=28800 \
	    tests/run property integration sim_faults test_crash_walk test_backup_walk

coverage:
	tests/coverage

demo:
	tests/demo

deps:
	packaging/dependencies build
test-deps:
	packaging/dependencies build test

# Files in the tree that are made from the option table.
docs: $(O)/config-document
	$(O)/config-document reference > docs/CONFIGURATION.md
	$(O)/config-document sample > systemd/retaind.conf
	$(O)/config-document manual > docs/man/retaind.conf.5

# A state directory as this program writes it, for all later ones to open: when a format on disk has got a new version.
golden-state: all
	test -n "$(STATE)" # make golden-state STATE=2
	RETAIND_BIN_DIR=$(abspath $(O)) tests/golden/make_state new state-$(STATE)

# ---- installation ------------------------------------------------------------------------------

fill_in = sed -e 's|@BINDIR@|$(BINDIR)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|g' \
              -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' -e 's|@VERSION@|$(VERSION)|g' \
              -e 's|@MSGPACK@|$(msgpack)|g'
man_pages = $(wildcard docs/man/*.1 docs/man/*.5 docs/man/*.8 docs/man/*.3)
units = $(notdir $(wildcard systemd/*.service systemd/*.socket))

install: all
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBEXECDIR)
	$(INSTALL) -m 755 $(filter $(O)/retaind $(O)/retainctl,$(programs)) $(DESTDIR)$(BINDIR)
	$(INSTALL) -m 755 $(O)/retain-worker $(DESTDIR)$(LIBEXECDIR)
	$(INSTALL) -d $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(LIBDIR)/pkgconfig
	$(INSTALL) -m 644 clients/include/retain.h $(DESTDIR)$(INCLUDEDIR)
	$(INSTALL) -m 644 $(O)/libretain.a $(O)/libretain.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)
	ln -sf libretain.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libretain.so
	$(fill_in) -e 's|^\([a-z]*dir\)=$(PREFIX)/|\1=$${prefix}/|' packaging/retain.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/retain.pc
	$(INSTALL) -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSUSERSDIR)
	for unit in $(units); do $(fill_in) systemd/$$unit > $(DESTDIR)$(UNITDIR)/$$unit || exit 1; done
	$(INSTALL) -m 644 systemd/sysusers.conf $(DESTDIR)$(SYSUSERSDIR)/retaind.conf
	$(INSTALL) -d $(DESTDIR)$(SYSCONFDIR)/retaind
	test -e $(DESTDIR)$(SYSCONFDIR)/retaind/retaind.conf || \
	    $(INSTALL) -m 644 systemd/retaind.conf $(DESTDIR)$(SYSCONFDIR)/retaind/retaind.conf
	for page in $(man_pages); do \
	    $(INSTALL) -D -m 644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit 1; done
	$(INSTALL) -D -m 644 clients/completion/retainctl.bash $(DESTDIR)$(COMPLETIONDIR)/retainctl
	$(INSTALL) -D -m 644 clients/completion/_retainctl $(DESTDIR)$(ZSHDIR)/_retainctl

	test -n "$(DESTDIR)" || ldconfig

# Configuration and state stay.
uninstall:
	rm -f $(addprefix $(DESTDIR)$(BINDIR)/,retaind retainctl) $(DESTDIR)$(LIBEXECDIR)/retain-worker
	rm -f $(DESTDIR)$(INCLUDEDIR)/retain.h $(addprefix $(DESTDIR)$(LIBDIR)/,libretain.a libretain.so \
	    libretain.so.$(SOVERSION) pkgconfig/retain.pc)
	rm -f $(addprefix $(DESTDIR)$(UNITDIR)/,$(units)) $(DESTDIR)$(SYSUSERSDIR)/retaind.conf
	for page in $(man_pages); do rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/}; done
	rm -f $(DESTDIR)$(COMPLETIONDIR)/retainctl $(DESTDIR)$(ZSHDIR)/_retainctl
	-rmdir $(DESTDIR)$(LIBEXECDIR) 2>/dev/null

deb:
	packaging/deb/build $(VERSION) $(REVISION)

clean:
	rm -rf $(O)

.PHONY: all test-programs shims sim fuzz-programs bench bench-programs bench-peers peer-programs performance evidence check style fuzz kill-rounds crash-walk coverage demo \
        deps test-deps docs golden-state install uninstall deb clean FORCE
.SECONDARY:
-include $(patsubst %.c,$(O)/%.d,$(wildcard protocol/*.c config/*.c config/tool/*.c daemon/*.c workers/*.c clients/*/*.c tests/*/*.c \
    tests/sim/system/*.c examples/*.c bench/*.c bench/*/*.c))
