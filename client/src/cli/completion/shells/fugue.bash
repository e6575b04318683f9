# bash completion for fugue: fugue itself says what may stand at the cursor.
_fugue() {
    # bash splits words at `:`, `=` and `@`, which stand in targets; here they are as they stand in the line.
    local line=${COMP_LINE:0:COMP_POINT} words=() blank word i
    for ((i = 0; i <= COMP_CWORD; i++)); do
        blank=${line%%[![:space:]]*}
        line=${line#"$blank"}
        word=${COMP_WORDS[i]}
        [ "$i" -lt "$COMP_CWORD" ] || word=$line
        if [ "$i" = 0 ] || [ -n "$blank" ]; then
            words+=("$word")
        else
            words[${#words[@]} - 1]+=$word
        fi
        line=${line#"$word"}
    done
    local last=$((${#words[@]} - 1))
    local typed=${words[last]} quoted=
    case $typed in
        [\'\"]*) quoted=yes typed=${typed:1} words[last]=${words[last]:1} ;;
        *) words[last]=${typed//\\/} ;;
    esac
    local replies=() reply
    IFS=$'\v' read -r -d '' -a replies < <(
        _CLAP_IFS=$'\v' _CLAP_COMPLETE_INDEX=$last FUGUE_COMPLETE=bash fugue -- "${words[@]}" 2>/dev/null
    )
    # What bash leaves in the line as it is.
    local kept=${typed%"${2#[\'\"]}"} open=yes
    COMPREPLY=()
    for reply in "${replies[@]}"; do
        [ -n "$quoted" ] || printf -v reply %q "$reply"
        COMPREPLY+=("${reply#"$kept"}")
        [[ $reply == *[:/=] ]] || open=
    done
    [ -z "$open" ] || compopt -o nospace 2>/dev/null
}
complete -o nosort -o bashdefault -F _fugue fugue
