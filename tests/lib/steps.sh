# Steps of a shell test, for tests to source: each is tried, told and counted; finish closes the tally.
passed=0 failed=0

step() { # WHAT COMMAND...
    local what=$1
    shift
    if "$@" >"${TMPDIR:-/tmp}/step.$$" 2>&1; then
        passed=$((passed + 1))
        echo "ok   $what"
    else
        failed=$((failed + 1))
        echo "FAIL $what"
        sed 's/^/     /' "${TMPDIR:-/tmp}/step.$$"
    fi
    rm -f "${TMPDIR:-/tmp}/step.$$"
}

fails() { # COMMAND...
    ! "$@"
}

eventually() { # COMMAND...: until it holds, a minute at most
    local until=$((SECONDS + 60))
    until "$@"; do
        [ $SECONDS -lt $until ] || return 1
        sleep 0.05
    done
}

finish() {
    if [ "$failed" -gt 0 ] && [ -n "${machine_init:-}" ]; then
        machine journalctl --no-pager -n 40 -u retaind
    fi
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

# Inside namespaces no limit can be raised beyond what this machine has; a real one has more than the unit asks for.
limit_to_this_machine() {
    local folder
    [ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 65536 ] && return
    folder=$(machine_root)/etc/systemd/system/retaind.service.d
    mkdir -p "$folder"
    printf '[Service]\nLimitNOFILE=%s\n' "$(ulimit -Hn)" >"$folder/limit.conf"
}
