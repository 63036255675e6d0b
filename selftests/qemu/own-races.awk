# SPDX-License-Identifier: GPL-2.0
# The kernel's log without KCSAN's reports of races that the module has no part in: those that name none of its
# functions, in neither stack. The kernel has many of its own, and is not what is tested.
/====================/ && !inside {
	inside = 1
	report = $0
	next
}
inside {
	report = report "\n" $0
	if (/====================/) {
		if (report !~ /KCSAN: / || report ~ /\[sshobs\]/)
			print report
		inside = 0
	}
	next
}
{ print }
END {
	if (inside)
		print report
}
