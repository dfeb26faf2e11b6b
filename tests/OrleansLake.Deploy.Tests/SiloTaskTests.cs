using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Testing.Aws;

namespace OrleansLake.Deploy.Tests;

public sealed partial class SiloTaskTests(TerraformStand terraform)
{
    private const int Records = 2_000;
    private const string Glue = "arn:aws:glue:eu-west-1:123456789012";
    private const string DynamoDb = "arn:aws:dynamodb:eu-west-1:123456789012";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task A_silo_runs_as_its_task_is_defined_with_its_rights_and_tells_what_alarms_and_scaling_ask_for()
    {
        Assert.SkipWhen(SiloTask.Absence is not null, SiloTask.Absence ?? "");
        JsonObject container = JsonNode.Parse(terraform["module.fargate.module.service.aws_ecs_task_definition.silo"]["container_definitions"]!.GetValue<string>())![0]!.AsObject();
        await using SiloTask task = await SiloTask.StartAsync(container, terraform.Server, Records);
        task.Glue.Fail(new AwsFault(request => request.Action == "UpdateTable") { Instead = AwsReply.JsonError(500, "InternalServiceException", "sorry") });
        await WaitAsync(task, "trouble, since there is no table", () => Task.FromResult(task.Metrics().Any(line => line["PumpsInTrouble"]?.GetValue<double>() > 0)));
        await SiloTask.CreateTableAsync(terraform.Server);
        await WaitAsync(task, "rows", async () => await SiloTask.RowsAsync(terraform.Server) == Records);

        Assert.Equal(0, await task.CheckHealthAsync());
        AssertIsConfined(task.Process.Id);
        AssertIsAllowed(task);
        await WaitAsync(task, "metrics of all alarms", () => Task.FromResult(Untold(task).Length == 0));

        Assert.Equal(0, await task.StopAsync());
        Assert.Equal(1, await task.CheckHealthAsync());
        Assert.False(task.Role.IsTold(task.Process.Output + task.Process.Errors));
    }

    [Fact]
    public void A_table_whose_swaps_all_fail_fails_often_enough_for_the_alarm()
    {
        Assert.SkipWhen(TerraformStand.Absence is not null, TerraformStand.Absence ?? "");
        JsonObject alarm = terraform["module.fargate.module.alarms.aws_cloudwatch_metric_alarm.this[\"failed-commits\"]"];
        var committer = new TableCommitterOptions { Table = TableIdentifier.Parse("db.events") };
        double least = Math.Floor(alarm["period"]!.GetValue<int>() / (committer.LongestPause + committer.CallTimeout).TotalSeconds);
        Assert.True(least > alarm["threshold"]!.GetValue<double>(), $"{least} swaps in a period of {alarm["period"]} s, of which more than {alarm["threshold"]} must fail");
    }

    private async Task WaitAsync(SiloTask task, string what, Func<Task<bool>> isThere)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!await isThere())
        {
            string Said() => $"{what}; untold {string.Join(", ", Untold(task))}; {task.Process.Output[^Math.Min(6000, task.Process.Output.Length)..]}{task.Process.Errors}";
            Assert.False(task.Process.HasExited, $"the silo ended before there were {Said()}");
            Assert.False(limit.IsCancellationRequested, $"expected {Said()}");
            await Task.Delay(100, CancellationToken.None);
        }
    }

    /// <summary>Which figures that somebody asks for are in no line of the log, with just the dimensions asked by.</summary>
    private string[] Untold(SiloTask task)
    {
        string[] told =
        [
            .. from line in task.Metrics()
               from directive in line["_aws"]!["CloudWatchMetrics"]!.AsArray()
               from dimensions in directive!["Dimensions"]!.AsArray()
               from metric in directive["Metrics"]!.AsArray()
               where line[(string)metric!["Name"]!] is not null
               select Figure((string)directive["Namespace"]!, (string)metric["Name"]!, dimensions!.AsArray().Select(name => ((string)name!, (string)line[(string)name!]!))),
        ];
        return [.. Asked().Distinct().Except(told)];
    }

    private IEnumerable<string> Asked()
    {
        foreach (JsonObject alarm in terraform.Of("module.fargate.module.alarms.aws_cloudwatch_metric_alarm.this"))
        {
            if ((string)alarm["namespace"]! == "OrleansLake")
            {
                yield return Figure("OrleansLake", (string)alarm["metric_name"]!, alarm["dimensions"]!.AsObject().Select(one => (one.Key, (string)one.Value!)));
            }
        }

        JsonNode policy = terraform["module.fargate.module.service.aws_appautoscaling_policy.lag[0]"]["target_tracking_scaling_policy_configuration"]![0]!["customized_metric_specification"]![0]!;
        JsonArray queries = policy["metrics"]!.AsArray();
        JsonNode lag = Assert.Single(queries, query => (string?)query!["id"] == "lag")!["metric_stat"]![0]!["metric"]![0]!;
        yield return Figure((string)lag["namespace"]!, (string)lag["metric_name"]!, lag["dimensions"]!.AsArray().Select(one => ((string)one!["name"]!, (string)one["value"]!)));
        Assert.Equal("lag / silos", (string?)Assert.Single(queries, query => (bool)query!["return_data"]!)!["expression"]);

        // By pipeline and by table.
        string dashboard = (string)terraform["module.fargate.module.alarms.aws_cloudwatch_dashboard.this"]["dashboard_body"]!;
        MatchCollection searches = Search().Matches(JsonNode.Parse(dashboard)!["widgets"]!.AsArray().Select(widget => widget!.ToJsonString(Relaxed)).Aggregate(string.Concat));
        Assert.True(searches.Count >= 8, dashboard);
        foreach (Match search in searches)
        {
            yield return Figure(search.Groups[1].Value, search.Groups[5].Value, [(search.Groups[2].Value, search.Groups[4].Value), (search.Groups[3].Value, search.Groups[3].Value == "Table" ? "db.events" : "events")]);
        }
    }

    private static readonly System.Text.Json.JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static string Figure(string @namespace, string metric, IEnumerable<(string Name, string Value)> dimensions) =>
        $"{@namespace} {metric} {string.Join(',', dimensions.Order().Select(one => $"{one.Name}={one.Value}"))}";

    private void AssertIsAllowed(SiloTask task)
    {
        var rights = new RoleRights(terraform.StatementsOf("fargate", "task"));
        AwsRight[] needed =
        [
            .. task.S3.Requests.SelectMany(AwsAsked.OfS3), .. task.Glue.Requests.SelectMany(request => AwsAsked.OfGlue(request, Glue)),
            .. task.DynamoDb.Requests.SelectMany(request => AwsAsked.OfDynamoDb(request, DynamoDb)),
        ];
        Assert.Equal(["dynamodb", "glue", "s3"], needed.Select(right => right.Action.Split(':')[0]).Distinct().Order());
        AwsRight[] refused = [.. needed.Distinct().Where(right => !rights.Allow(right))];
        Assert.True(refused.Length == 0, string.Join("; ", refused.Take(20)));
    }

    // proc(5)
    private static void AssertIsConfined(int process)
    {
        string[] mounts = File.ReadAllLines($"/proc/{process}/mountinfo");
        Assert.All(mounts.Select(line => line.Split(' ')).Where(mount => mount[4] != "/tmp" && !mount[4].StartsWith("/dev/", StringComparison.Ordinal)), mount => Assert.True(mount[5].Split(',')[0] == "ro", string.Join(' ', mount)));
        Dictionary<string, string> status = File.ReadAllLines($"/proc/{process}/status").ToDictionary(line => line.Split(':')[0], line => line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim());
        Assert.Equal(["1654", "1654", "1654", "1654"], status["Uid"].Split('\t'));
        Assert.Equal(("", new string('0', 16), "1"), (status["Groups"], status["CapEff"], status["NoNewPrivs"]));
    }

    [GeneratedRegex("""SEARCH\('\{(\w+),(\w+),(\w+)\} \w+=\\+"([\w-]+)\\+" MetricName=\\+"(\w+)\\+"'""")]
    private static partial Regex Search();
}
