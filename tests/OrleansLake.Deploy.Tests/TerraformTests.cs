using System.Text.Json.Nodes;
using OrleansLake.Silo;
using OrleansLake.Silo.Configuration;
using OrleansLake.Silo.Hosting;

namespace OrleansLake.Deploy.Tests;

public sealed class TerraformTests(TerraformStand terraform)
{
    [Fact]
    public void The_silo_reads_the_configuration_that_its_task_is_given()
    {
        Assert.SkipWhen(TerraformStand.Absence is not null, TerraformStand.Absence ?? "");
        SiloConfig config = ConfigOf("fargate");
        Assert.True(config.Orleans.AddressFromEcs);
        Assert.Equal((Clustering.DynamoDb, StateKeeping.DynamoDb, "lake-fargate", "lake-fargate"), (config.Orleans.Clustering, config.Orleans.State, config.Orleans.ClusterId, config.Orleans.ServiceId));
        Assert.Equal(("eu-west-1", "lake-fargate-members", "lake-fargate-state", "lake-fargate-reminders", false), config.Orleans.DynamoDb is { } tables
            ? (tables.Region, tables.MembersTable, tables.StateTable, tables.RemindersTable, tables.CreateTables)
            : default);
        Assert.Equal("s3://lake/tables", config.Warehouse);
        Assert.Equal("OrleansLake", config.Metrics.CloudWatchNamespace);
        Assert.True(config.Logs.Json);
    }

    [Theory]
    [InlineData("fargate", "FARGATE", "ARM64")]
    [InlineData("ec2", "EC2", "X86_64")]
    public void A_task_is_not_root_on_a_root_that_is_not_written_and_has_time_to_drain(string module, string launch, string architecture)
    {
        Assert.SkipWhen(TerraformStand.Absence is not null, TerraformStand.Absence ?? "");
        JsonObject task = terraform[$"module.{module}.module.service.aws_ecs_task_definition.silo"];
        Assert.Equal((launch, architecture, "awsvpc"), (task["requires_compatibilities"]![0]!.GetValue<string>(), task["runtime_platform"]![0]!["cpu_architecture"]!.GetValue<string>(), task["network_mode"]!.GetValue<string>()));
        JsonObject container = ContainerOf(module);
        Assert.True(container["readonlyRootFilesystem"]!.GetValue<bool>());
        Assert.Null(container["user"]); // the image's, which is not root
        Assert.InRange(container["stopTimeout"]!.GetValue<int>(), (int)SiloHost.StopLimit.TotalSeconds + 15, 120); // Fargate's most
        Assert.Equal(["CMD", "dotnet", "OrleansLake.Silo.dll", HealthCommand.Create().Name], container["healthCheck"]!["command"]!.AsArray().Take(4).Select(word => word!.GetValue<string>()));
        Assert.Empty(HealthCommand.Create().Parse([.. container["healthCheck"]!["command"]!.AsArray().Skip(4).Select(word => word!.GetValue<string>())]).Errors);
    }

    // ECS rounds what a deployment may have up for the least and down for the most.
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service_definition_parameters.html
    [Theory]
    [InlineData("fargate")]
    [InlineData("ec2")]
    public void A_deployment_ends_no_silo_before_a_new_one_is_there_and_has_room_for_it(string module)
    {
        Assert.SkipWhen(TerraformStand.Absence is not null, TerraformStand.Absence ?? "");
        JsonObject service = terraform[$"module.{module}.module.service.aws_ecs_service.silo"];
        int silos = service["desired_count"]!.GetValue<int>(), most = silos * service["deployment_maximum_percent"]!.GetValue<int>() / 100;
        Assert.Equal(100, service["deployment_minimum_healthy_percent"]!.GetValue<int>());
        Assert.True(most > silos, $"{silos} silos may become {most}");
        if (module == "ec2")
        {
            Assert.Equal(most, terraform["module.ec2.module.capacity[0].aws_autoscaling_group.this"]["max_size"]!.GetValue<int>());
        }
    }

    [Fact]
    public void Ports_of_the_task_are_those_of_the_silo_and_of_the_security_groups()
    {
        Assert.SkipWhen(TerraformStand.Absence is not null, TerraformStand.Absence ?? "");
        SiloConfig config = ConfigOf("fargate");
        int[] silo = [config.HttpUrl.Port, config.Orleans.SiloPort, config.Orleans.GatewayPort];
        Assert.Equal(silo.Order(), ContainerOf("fargate")["portMappings"]!.AsArray().Select(port => port!["containerPort"]!.GetValue<int>()).Order());
        string group = terraform["module.fargate.module.service.aws_security_group.silo"]["id"]!.GetValue<string>();
        int[] among = [.. terraform.Of("module.fargate.module.service.aws_vpc_security_group_ingress_rule.silo_to_silo")
            .Where(rule => rule["referenced_security_group_id"]!.GetValue<string>() == group).Select(rule => rule["from_port"]!.GetValue<int>()).Order()];
        Assert.Equal([config.Orleans.SiloPort, config.Orleans.GatewayPort], among);
        Assert.DoesNotContain(terraform.Of("module.fargate.module.service.aws_vpc_security_group_ingress_rule"), rule => rule["cidr_ipv4"] is not null); // nobody from anywhere
    }

    [Fact]
    public void Rights_name_their_resources_and_hold_no_star_but_where_aws_knows_no_resource()
    {
        Assert.SkipWhen(TerraformStand.Absence is not null, TerraformStand.Absence ?? "");
        foreach (string role in new[] { "task", "execution" })
        {
            foreach (JsonNode? statement in Statements(role))
            {
                string[] actions = TerraformStand.Texts(statement!["Action"]), resources = TerraformStand.Texts(statement["Resource"]);
                Assert.DoesNotContain(actions, action => action.Contains('*', StringComparison.Ordinal));
                if (!actions.SequenceEqual(["ecr:GetAuthorizationToken"]))
                {
                    Assert.DoesNotContain("*", resources);
                }
            }
        }

        string[] objects = Statements("task").Where(statement => TerraformStand.Texts(statement!["Action"]).Contains("s3:PutObject")).SelectMany(statement => TerraformStand.Texts(statement!["Resource"])).ToArray();
        Assert.Equal(["arn:aws:s3:::lake/tables/*", "arn:aws:s3:::other/*"], objects.Order());
    }

    [Fact]
    public void Rights_are_what_a_silo_calls_and_nothing_else()
    {
        Assert.SkipWhen(TerraformStand.Absence is not null, TerraformStand.Absence ?? "");
        string[] allowed = [.. Statements("task").SelectMany(statement => TerraformStand.Texts(statement!["Action"])).Where(action => action.Split(':')[0] is "s3" or "glue" or "secretsmanager" or "ssm" or "dynamodb").Distinct().Order()];
        // Databases are made and dropped, tables dropped and renamed by people, with rights of their own.
        string[] others = [.. AwsCalls.OfTables, "glue:CreateDatabase", "glue:DeleteDatabase", "glue:DeleteTable", "glue:UpdateDatabase"];
        string[] called = [.. AwsCalls.Actions().Distinct().Except(others).Order()];
        Assert.Equal(("", ""), (string.Join(' ', called.Except(allowed)), string.Join(' ', allowed.Except(called)))); // too few, too many
    }

    [Fact]
    public void Who_starts_a_task_may_fetch_its_image_write_its_log_and_read_what_it_is_given_and_nothing_else()
    {
        Assert.SkipWhen(TerraformStand.Absence is not null, TerraformStand.Absence ?? "");
        string[] allowed = [.. Statements("execution").SelectMany(statement => TerraformStand.Texts(statement!["Resource"]).SelectMany(resource => TerraformStand.Texts(statement["Action"]).Select(action => $"{action} {resource}"))).Order(StringComparer.Ordinal)];
        const string image = "arn:aws:ecr:eu-west-1:123456789012:repository/orleanslake", secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x-abc";
        const string log = "arn:aws:logs:eu-west-1:123456789012:log-group:/orleanslake/lake-fargate:*";
        Assert.Equal(
            [
                $"ecr:BatchCheckLayerAvailability {image}", $"ecr:BatchGetImage {image}", "ecr:GetAuthorizationToken *", $"ecr:GetDownloadUrlForLayer {image}",
                "kms:Decrypt arn:aws:kms:eu-west-1:123456789012:key/abc", $"logs:CreateLogStream {log}", $"logs:PutLogEvents {log}",
                $"secretsmanager:GetSecretValue {secret}", $"ssm:GetParameters {secret}",
            ],
            allowed);
        Assert.Equal("/orleanslake/lake-fargate", (string?)ContainerOf("fargate")["logConfiguration"]!["options"]!["awslogs-group"]);
    }

    [Fact]
    public void Tables_of_the_cluster_have_the_keys_that_the_silos_ask_by_and_are_paid_as_asked()
    {
        Assert.SkipWhen(TerraformStand.Absence is not null, TerraformStand.Absence ?? "");
        Assert.Equal("DeploymentId SiloIdentity PAY_PER_REQUEST False", Told("fargate", "members"));
        Assert.Equal("GrainReference GrainType PAY_PER_REQUEST True", Told("fargate", "state"));
        Assert.Equal("ReminderId GrainHash PAY_PER_REQUEST True", Told("fargate", "reminders"));
        Assert.Equal("GrainReference GrainType PROVISIONED True", Told("ec2", "state"));
        JsonObject reminders = terraform["module.ec2.module.state[0].aws_dynamodb_table.this[\"reminders\"]"];
        Assert.Equal((20, 10), (reminders["read_capacity"]!.GetValue<int>(), reminders["write_capacity"]!.GetValue<int>()));
        Assert.Equal(
            ["ServiceIdGrainReferenceIndex ServiceId GrainReference", "ServiceIdIndex ServiceId GrainHash"],
            reminders["global_secondary_index"]!.AsArray().Select(index => $"{index!["name"]} {index["hash_key"]} {index["range_key"]}").Order());
        string[] tables = [.. Statements("task").Where(statement => TerraformStand.Texts(statement!["Action"])[0].StartsWith("dynamodb:", StringComparison.Ordinal)).SelectMany(statement => TerraformStand.Texts(statement!["Resource"]))];
        Assert.Equal(5, tables.Length);
        Assert.All(tables, table => Assert.Contains(":table/lake-fargate-", table, StringComparison.Ordinal));

        string Told(string module, string table)
        {
            JsonObject made = terraform[$"module.{module}.module.state[0].aws_dynamodb_table.this[\"{table}\"]"];
            return $"{made["hash_key"]} {made["range_key"]} {made["billing_mode"]} {made["point_in_time_recovery"]![0]!["enabled"]!.GetValue<bool>()}";
        }
    }

    [Fact]
    public async Task The_quickstart_is_valid_and_everything_is_formatted()
    {
        Assert.SkipWhen(TerraformStand.Absence is not null, TerraformStand.Absence ?? "");
        await TerraformStand.RunAsync(TerraformStand.Modules, "fmt", "-check", "-recursive");
        string copy = Directory.CreateTempSubdirectory("orleanslake-quickstart-").FullName;
        try
        {
            foreach (string file in Directory.EnumerateFiles(Path.Combine(TerraformStand.Modules, "quickstart"), "*.tf"))
            {
                await File.WriteAllTextAsync(Path.Combine(copy, Path.GetFileName(file)), (await File.ReadAllTextAsync(file)).Replace("\"../\"", $"\"{TerraformStand.Modules}\"", StringComparison.Ordinal));
            }

            await TerraformStand.RunAsync(copy, "init", "-input=false", $"-plugin-dir={TerraformStand.Mirror}");
            await TerraformStand.RunAsync(copy, "validate");
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    private JsonObject ContainerOf(string module) =>
        JsonNode.Parse(terraform[$"module.{module}.module.service.aws_ecs_task_definition.silo"]["container_definitions"]!.GetValue<string>())![0]!.AsObject();

    private SiloConfig ConfigOf(string module)
    {
        JsonObject container = ContainerOf(module);
        Assert.Equal(["run", "--config", "env:LAKE_CONFIG"], container["command"]!.AsArray().Select(word => word!.GetValue<string>()));
        string variable = $"LAKE_CONFIG_{module}";
        Environment.SetEnvironmentVariable(variable, Assert.Single(container["environment"]!.AsArray(), entry => entry!["name"]!.GetValue<string>() == "LAKE_CONFIG")!["value"]!.GetValue<string>());
        return SiloConfigReader.ReadFile($"env:{variable}");
    }

    private JsonArray Statements(string role) => terraform.StatementsOf("fargate", role);
}
