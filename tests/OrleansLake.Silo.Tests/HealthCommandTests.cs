using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using OrleansLake.Terminal;

namespace OrleansLake.Silo.Tests;

public sealed class HealthCommandTests
{
    [Theory]
    [InlineData(200, 0)]
    [InlineData(503, 1)]
    public async Task A_silo_is_asked_and_its_answer_is_the_exit_code(int status, int expected)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using WebApplication silo = builder.Build();
        silo.Urls.Add("http://127.0.0.1:0");
        silo.MapGet("/health/live", () => Results.Text("so it is", statusCode: status));
        await silo.StartAsync(TestContext.Current.CancellationToken);
        Assert.Equal((expected, "so it is"), await RunAsync($"{silo.Urls.First()}/health/live"));
    }

    [Fact]
    public async Task A_silo_that_is_not_there_is_not_well() => Assert.Equal(1, (await RunAsync("http://127.0.0.1:1/health/live")).Code);

    private static async Task<(int Code, string Output)> RunAsync(string url)
    {
        using StringWriter output = new(), error = new();
        int code = await CommandRunner.RunAsync(["health", "--url", url], [HealthCommand.Create()], null, output, error);
        return (code, output.ToString().TrimEnd());
    }
}
