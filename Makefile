# SPDX-License-Identifier: GPL-2.0
# make help lists what there is.

KDIR	?= /lib/modules/$(shell uname -r)/build

.PHONY: all
all: module userspace

.PHONY: module
module:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

.PHONY: userspace
userspace:
	-$(MAKE) -C userspace

.PHONY: selftests
selftests:
	-$(MAKE) -C selftests
