# SPDX-License-Identifier: GPL-2.0
# "make help" lists what there is.

KDIR	?= /lib/modules/$(shell uname -r)/build
# dkms.conf is the one place that says which version this is.
VERSION	:= $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)

SUDO	:= $(if $(filter-out 0,$(shell id -u)),sudo)
VM	:= selftests/qemu/vm
DKMS_SOURCE := $(DESTDIR)/usr/src/sshobs-$(VERSION)

.PHONY: all
all: module userspace		## build the module and the reader for this host

.PHONY: module
module:				## build sshobs.ko for the kernel of KDIR
	@test -e $(KDIR)/Makefile || { echo "make: no kernel headers in $(KDIR);" \
		"try: apt-get install linux-headers-$$(uname -r)" >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) VARIANT=$(VARIANT) modules

.PHONY: userspace
userspace:			## build the reader
	$(MAKE) -C userspace

.PHONY: selftests
selftests:			## build the kselftest programs
	$(MAKE) -C selftests

.PHONY: deps
deps:				## install what building on this host takes
	selftests/deps $(KDIR)

.PHONY: load
load: deps			## build, and load the module into this host's kernel
	$(MAKE) all
	$(SUDO) userspace/sshobs unload -q 2>/dev/null || true
	$(SUDO) insmod sshobs.ko $(PARAMETERS)
	@echo "loaded; try: sudo cat /dev/sshobs, or sudo $(CURDIR)/userspace/sshobs"

.PHONY: demo
demo:				## a real SSH login in a virtual machine, and its report
	@$(VM) -q -- selftests/demo

.PHONY: check
check:				## run the tests, in virtual machines with four kernels
	@selftests/check

.PHONY: check-full
check-full:			## run what counts in it with the full counts, which takes hours
	@SCALE=100 selftests/check 'selftests-*' 'generated-*' 'leaks-*' 'cycles-*' 'floods-*' fuzz

.PHONY: check-debug
check-debug:			## run the kselftests on kernels with KASAN, lockdep and kmemleak, and with KCSAN
	@selftests/check-debug

.PHONY: coverage
coverage:			## the half of it on the first one, which tells what lines of the module run
	@selftests/check-debug -k debug

.PHONY: bench
bench:				## count what the module costs, in instructions
	@$(VM) -q --icount --append nokaslr --timeout 600 -- selftests/bench/run

.PHONY: style
style:				## checkpatch, sparse, clang-format, codespell, shellcheck
	@selftests/style

.PHONY: install
install: all			## install the reader, and the module for the kernel of KDIR
	$(MAKE) -C userspace install
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_DIR=updates modules_install
	install -D -m 644 uapi/sshobs.h $(DESTDIR)/usr/local/include/linux/sshobs.h

.PHONY: dkms-install
dkms-install:			## have dkms build the module for each kernel of this host
	rm -rf $(DKMS_SOURCE)
	install -d $(DKMS_SOURCE)/kmod $(DKMS_SOURCE)/uapi
	install -m 644 Makefile Kbuild dkms.conf COPYING $(DKMS_SOURCE)
	install -m 644 kmod/*.[ch] $(DKMS_SOURCE)/kmod
	install -m 644 uapi/sshobs.h $(DKMS_SOURCE)/uapi
	dkms install -m sshobs -v $(VERSION) $(DKMS_FLAGS)

.PHONY: dkms-remove
dkms-remove:			## take the module back out of dkms
	dkms remove -m sshobs -v $(VERSION) --all
	rm -rf $(DKMS_SOURCE)

.PHONY: clean-module
clean-module:
	rm -rf *.o *.ko *.mod *.mod.c .*.cmd Module.symvers modules.order .module-common.o \
		kmod/*.o kmod/.*.cmd

.PHONY: clean
clean: clean-module		## remove what was built, but for the cache
	$(MAKE) -C userspace clean
	$(MAKE) -C selftests clean
	$(SUDO) rm -rf build

.PHONY: help
help:				## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | expand -t 16
