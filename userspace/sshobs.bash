# SPDX-License-Identifier: GPL-2.0
# bash completion for sshobs(8)

_sshobs_sessions() {
	local read=()

	[[ " ${COMP_WORDS[*]} " =~ \ -r\ ([^ ]+)\  ]] && read=(-r "${BASH_REMATCH[1]}")
	sshobs list -q --color=never --no-pager "${read[@]}" 2>/dev/null |
		awk 'NR > 1 { print $1 }'
}

_sshobs() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local commands="list show blame diff tree top inspect record status load unload"
	local options="-a -b -d -f -n -o -S -U -u -p -w -r -q -h -V --all --batch --delay --follow --lines --output
		--since --until --user --pid --write --read --sort= --env= --color= --no-pager --quiet --help
		--version"
	local word command=

	case $prev in
	-o | --output)
		mapfile -t COMPREPLY < <(compgen -W "short short-iso json" -- "$cur")
		return
		;;
	-r | --read | -w | --write | record)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	-u | --user)
		mapfile -t COMPREPLY < <(compgen -u -- "$cur")
		return
		;;
	-n | --lines)
		mapfile -t COMPREPLY < <(compgen -W "all" -- "$cur")
		return
		;;
	-S | --since | -U | --until | -p | --pid | -d | --delay)
		return
		;;
	esac
	if [[ $cur == --sort=* || $prev == --sort ]]; then
		mapfile -t COMPREPLY < <(compgen -W "start idle rtt bytes fds" -- "${cur#--sort=}")
		return
	fi
	if [[ $cur == --color=* || $prev == --color ]]; then
		mapfile -t COMPREPLY < <(compgen -W "auto always never" -- "${cur#--color=}")
		return
	fi
	if [[ $cur == --env=* || $prev == --env ]]; then
		mapfile -t COMPREPLY < <(compgen -W "login all" -- "${cur#--env=}")
		return
	fi
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		return
	fi
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ " $commands " == *" $word "* ]] && command=$word
	done
	case $command in
	"")
		mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
		;;
	show | blame | diff | tree | inspect)
		mapfile -t COMPREPLY < <(compgen -W "last self $(_sshobs_sessions)" -- "$cur")
		;;
	load)
		mapfile -t COMPREPLY < <(compgen -W "$(modinfo -F parm sshobs 2>/dev/null |
			sed 's/:.*/=/')" -- "$cur")
		compopt -o nospace 2>/dev/null
		;;
	esac
}

complete -F _sshobs sshobs
