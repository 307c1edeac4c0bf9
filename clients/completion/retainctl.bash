# Completion of retainctl for bash: commands and options from its own help, then files.
_retainctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command="" word i
    local commands="push watch get list timeline alerts ack snooze override void report export erase dead stats spool backup verify keygen simulate backtest calibrate help"

    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
        --events | --alerts | --query | --key | --timeout) ((i++)) ;;
        -*) ;;
        *)
            command=$word
            break
            ;;
        esac
    done

    case $prev in
    --format | -f)
        COMPREPLY=($(compgen -W "jsonl csv msgpack" -- "$cur"))
        return
        ;;
    --band)
        COMPREPLY=($(compgen -W "healthy watch at_risk" -- "$cur"))
        return
        ;;
    --sort)
        COMPREPLY=($(compgen -W "account score -score value renewal" -- "$cur"))
        return
        ;;
    --kind)
        COMPREPLY=($(compgen -W "churn_risk score_drop silence ticket_overdue sentiment renewal_risk upsell" -- "$cur"))
        return
        ;;
    --severity)
        COMPREPLY=($(compgen -W "info warning critical" -- "$cur"))
        return
        ;;
    --table)
        COMPREPLY=($(compgen -W "at_risk next_renewals complaints owed visits growth owners tiers regions currencies" -- "$cur"))
        return
        ;;
    --spool | --directory)
        COMPREPLY=($(compgen -d -- "$cur"))
        return
        ;;
    --truth | --config | --cursor-file | --svg | --html | --rows | --output | --key | --server)
        COMPREPLY=($(compgen -f -- "$cur"))
        return
        ;;
    esac

    if [[ $cur == -* ]]; then
        local options
        options=$("${COMP_WORDS[0]}" ${command:+"$command"} --help 2>/dev/null | sed -nE 's/^ +(-[a-zA-Z], +)?(--[a-z-]+).*/\2/p')
        COMPREPLY=($(compgen -W "$options" -- "$cur"))
        return
    fi
    case $command in
    "" | help) COMPREPLY=($(compgen -W "$commands" -- "$cur")) ;;
    spool | backup | verify) COMPREPLY=($(compgen -d -- "$cur")) ;;
    push | backtest) COMPREPLY=($(compgen -f -- "$cur")) ;;
    keygen) COMPREPLY=($(compgen -W "server producer subscriber reader admin" -- "$cur")) ;;
    push | backtest | calibrate) COMPREPLY=($(compgen -f -- "$cur")) ;;
    dead) COMPREPLY=($(compgen -W "list retry drop" -- "$cur")) ;;
    watch) COMPREPLY=($(compgen -W "alert. alert.critical. alert.warning. alert.info. owner." -- "$cur")) ;;
    *) COMPREPLY=() ;;
    esac
}
complete -o filenames -o bashdefault -F _retainctl retainctl
