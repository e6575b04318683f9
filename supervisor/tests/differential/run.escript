#!/usr/bin/env escript
%%! +S 1
%% Runs scenarios through OTP's own supervisor and prints what happened.
%% Argument: a file with one Erlang term per scenario: {Root, Commands}. Output: one line per
%% scenario, its events joined by tabs. Written by tests/differential/erlang.rs, read by it.

-mode(compile).

main([File]) ->
    logger:set_primary_config(level, none),
    compile_callback(),
    {ok, Scenarios} = file:consult(File),
    lists:foreach(fun(Scenario) ->
        Events = scenario(Scenario),
        io:put_chars([lists:join("\t", Events), "\n"])
    end, Scenarios).

%% The supervisors' callback module, made in memory: init(Arg) -> Arg.
compile_callback() ->
    Forms = [{attribute, 1, module, scenario_sup},
             {attribute, 2, export, [{init, 1}]},
             {function, 3, init, 1,
              [{clause, 3, [{var, 3, 'Arg'}], [], [{tuple, 3, [{atom, 3, ok}, {var, 3, 'Arg'}]}]}]}],
    {ok, scenario_sup, Binary} = compile:forms(Forms),
    {module, scenario_sup} = code:load_binary(scenario_sup, "scenario_sup.erl", Binary).

scenario({Root, Commands}) ->
    ets:new(world, [named_table, public, ordered_set]),
    ets:insert(world, {count, 0}),
    Self = self(),
    {Keeper, Ref} = spawn_monitor(fun() -> keep_root(Self, Root) end),
    receive
        {Keeper, started, Sup} ->
            ets:insert(world, {{sup, "root"}, Sup}),
            RootRef = monitor(process, Sup),
            run(Commands, Sup, RootRef, Keeper);
        {Keeper, failed} ->
            log("end start_failed", [])
    end,
    exit(Keeper, kill),
    receive {'DOWN', Ref, process, Keeper, _} -> ok end,
    Events = [Text || {{log, _}, Text} <- ets:tab2list(world)],
    ets:delete(world),
    Events.

%% The parent of the root supervisor: told to, it shuts the root down the way a supervisor would.
keep_root(Driver, {sup, Flags, Children}) ->
    process_flag(trap_exit, true),
    case start_sup("root", Flags, Children) of
        {ok, Sup} ->
            Driver ! {self(), started, Sup},
            receive stop -> exit(Sup, shutdown) end,
            receive never -> ok end;
        {error, _} ->
            Driver ! {self(), failed},
            receive never -> ok end
    end.

log(Format, Args) ->
    N = ets:update_counter(world, count, 1),
    ets:insert(world, {{log, N}, io_lib:format(Format, Args)}).

%% ---- what the scenarios are made of

start_sup(Path, {Strategy, Max, Auto}, Children) ->
    Flags = #{strategy => Strategy, intensity => Max, period => 3600, auto_shutdown => Auto},
    Specs = [spec(Path, Child) || Child <- Children],
    register_sup(Path, supervisor:start_link(scenario_sup, {Flags, Specs})).

start_dynamic(Path, {Max, Restart}) ->
    Flags = #{strategy => simple_one_for_one, intensity => Max, period => 3600},
    Spec = #{id => any, start => {erlang, apply, [fun start_probe/2, []]}, restart => Restart,
             shutdown => 5000},
    Start = fun(Name) -> start_probe(Path ++ "/" ++ Name, polite) end,
    Spec1 = Spec#{start => {erlang, apply, [Start]}},
    register_sup(Path, supervisor:start_link(scenario_sup, {Flags, [Spec1]})).

register_sup(Path, {ok, Pid}) -> ets:insert(world, {{sup, Path}, Pid}), {ok, Pid};
register_sup(_, Error) -> Error.

spec(Path, {actor, Id, Restart, Significant, Manner}) ->
    Shutdown = case Manner of polite -> 5000; brutal -> brutal_kill; stubborn -> 5 end,
    Start = {erlang, apply, [fun start_probe/2, [Path ++ "/" ++ Id, Manner]]},
    #{id => Id, start => Start, restart => Restart, significant => Significant, shutdown => Shutdown,
      type => worker};
spec(Path, {sup, Id, Restart, Significant, Flags, Children}) ->
    Start = {erlang, apply, [fun start_sup/3, [Path ++ "/" ++ Id, Flags, Children]]},
    #{id => Id, start => Start, restart => Restart, significant => Significant, shutdown => infinity,
      type => supervisor};
spec(Path, {dynamic, Id, Restart, Flags}) ->
    Start = {erlang, apply, [fun start_dynamic/2, [Path ++ "/" ++ Id, Flags]]},
    #{id => Id, start => Start, restart => Restart, shutdown => infinity, type => supervisor}.

start_probe(Path, Manner) ->
    proc_lib:start_link(erlang, apply, [fun init_probe/3, [self(), Path, Manner]]).

init_probe(Parent, Path, Manner) ->
    case ets:lookup(world, {fail, Path}) of
        [{_, Times}] when Times > 0 ->
            ets:insert(world, {{fail, Path}, Times - 1}),
            log("fail ~s", [Path]),
            proc_lib:init_ack({error, told_to_fail}),
            exit(normal);
        _ ->
            process_flag(trap_exit, true),
            log("start ~s", [Path]),
            ets:insert(world, {{probe, Path}, self(), alive}),
            proc_lib:init_ack({ok, self()}),
            probe(Parent, Path, Manner)
    end.

probe(Parent, Path, Manner) ->
    receive
        {'EXIT', Parent, Reason} ->
            log("stop ~s", [Path]),
            case Manner of stubborn -> receive never -> ok end; _ -> exit(Reason) end;
        {finish, Reason} -> exit(Reason)
    end.

%% ---- commands

run([], Root, RootRef, Keeper) ->
    log("~s", [state(Root)]),
    log("> shutdown", []),
    Keeper ! stop,
    receive {'DOWN', RootRef, process, _, Reason} -> log("end ~p", [Reason]) end;
run([{Text, Command} | Rest], Root, RootRef, Keeper) ->
    log("~s", [state(Root)]),
    log("> ~s", [Text]),
    Answer = command(Command),
    quiesce(Root, none, 0),
    log("= ~s", [Answer]),
    case ended(RootRef) of
        true -> ok;
        false -> run(Rest, Root, RootRef, Keeper)
    end.

ended(RootRef) ->
    receive
        {'DOWN', RootRef, process, _, Reason} -> log("end ~p", [Reason]), true
    after 0 -> false
    end.

command({exit, Path, Reason}) ->
    case ets:lookup(world, {probe, Path}) of
        [{_, Pid, _}] ->
            Ref = monitor(process, Pid),
            case Reason of kill -> exit(Pid, kill); _ -> Pid ! {finish, Reason} end,
            receive
                {'DOWN', Ref, process, Pid, noproc} -> "dead";
                {'DOWN', Ref, process, Pid, _} -> "ok"
            end;
        [] -> "dead"
    end;
command({fail, Path, Times}) -> ets:insert(world, {{fail, Path}, Times}), "ok";
command({terminate, Path, Id}) -> with_sup(Path, fun(Sup) -> terminate(Sup, target(Path, Sup, Id)) end);
command({restart, Path, Id}) -> with_sup(Path, fun(Sup) -> result(supervisor:restart_child(Sup, Id)) end);
command({delete, Path, Id}) -> with_sup(Path, fun(Sup) -> result(supervisor:delete_child(Sup, Id)) end);
command({start, Path, Child}) -> with_sup(Path, fun(Sup) -> result(supervisor:start_child(Sup, spec(Path, Child))) end);
command({start_dynamic, Path, Name}) -> with_sup(Path, fun(Sup) -> result(supervisor:start_child(Sup, [[Name]])) end).

with_sup(Path, Fun) ->
    case ets:lookup(world, {sup, Path}) of
        [{_, Sup}] ->
            case is_process_alive(Sup) of true -> Fun(Sup); false -> "gone" end;
        [] -> "gone"
    end.

%% OTP knows the children of a dynamic supervisor by pid and answers ok for any dead one.
terminate(_, unknown) -> "not_found";
terminate(Sup, Target) -> result(supervisor:terminate_child(Sup, Target)).

target(Path, Sup, Id) ->
    case is_dynamic(Sup) of
        false -> Id;
        true ->
            case ets:lookup(world, {probe, Path ++ "/" ++ Id}) of
                [{_, Pid, _}] -> case is_process_alive(Pid) of true -> Pid; false -> unknown end;
                [] -> unknown
            end
    end.

is_dynamic(Sup) -> element(3, sys:get_state(Sup)) =:= simple_one_for_one.

result(ok) -> "ok";
result({ok, _}) -> "ok";
result({error, {already_started, _}}) -> "already_started";
result({error, Reason}) when is_atom(Reason), Reason =/= told_to_fail -> atom_to_list(Reason);
result({error, _}) -> "failed".

%% ---- waiting until nothing happens any more

quiesce(_, _, 2) -> ok;
quiesce(Root, Last, Same) ->
    Now = {ets:lookup(world, count), state(Root)},
    Waiting = string:find(element(2, Now), "~") =/= nomatch,
    timer:sleep(1),
    if Now =:= Last, not Waiting -> quiesce(Root, Now, Same + 1);
       true -> quiesce(Root, Now, 0)
    end.

state(Root) -> lists:flatten(["root", children(Root, "root")]).

children(Sup, Path) ->
    try {supervisor:which_children(Sup), is_dynamic(Sup)} of
        {Children, Dynamic} ->
            Shown = if
                Dynamic ->
                    Names = [Name || {{probe, Name}, Pid, _} <- ets:tab2list(world),
                             lists:keymember(Pid, 2, Children)],
                    Waiting = [C || {_, restarting, _, _} = C <- Children],
                    [[lists:last(string:split(N, "/", all)), "+"] || N <- lists:sort(Names)]
                        ++ ["~" || _ <- Waiting];
                true ->
                    [child(Child, Path) || Child <- lists:reverse(Children)]
            end,
            ["[", lists:join(" ", Shown), "]"]
    catch exit:_ -> "(gone)"
    end.

child({Id, undefined, _, _}, _) -> [Id, "-"];
child({Id, restarting, _, _}, _) -> [Id, "~"];
child({Id, _, worker, _}, _) -> [Id, "+"];
child({Id, Pid, supervisor, _}, Path) -> [Id, "+", children(Pid, Path ++ "/" ++ Id)].
