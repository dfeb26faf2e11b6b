using System.IO.Enumeration;
using System.Text.Json.Nodes;

namespace OrleansLake.Deploy.Tests;

/// <summary>What a role may do, by the statements of its policy: allowances only, with the conditions that ours have.</summary>
/// <remarks>https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html</remarks>
internal sealed class RoleRights(JsonArray statements)
{
    /// <summary>Whether a request would be let through.</summary>
    public bool Allow(AwsRight right) => statements.Any(statement =>
        (string?)statement!["Effect"] == "Allow"
        && TerraformStand.Texts(statement["Action"]).Contains(right.Action)
        && TerraformStand.Texts(statement["Resource"]).Any(pattern => Matches(pattern, right.Resource))
        && (statement["Condition"]?.AsObject() ?? []).All(test => test.Value!.AsObject().All(one => Holds(test.Key, one.Key, TerraformStand.Texts(one.Value), right))));

    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    private static bool Holds(string test, string key, string[] patterns, AwsRight right)
    {
        Assert.Equal("s3:prefix", key);
        return (test, right.Prefix) switch
        {
            ("StringLike", null) => false,
            ("StringLikeIfExists", null) => true,
            ("StringLike" or "StringLikeIfExists", var prefix) => patterns.Any(pattern => Matches(pattern, prefix)),
            _ => throw new NotSupportedException($"condition {test}: expected one that is known here"),
        };
    }

    private static bool Matches(string pattern, string text) => FileSystemName.MatchesSimpleExpression(pattern, text, ignoreCase: false);
}

/// <summary>A right that a request needs.</summary>
/// <param name="Action">The action.</param>
/// <param name="Resource">What on.</param>
/// <param name="Prefix">What S3 calls <c>s3:prefix</c>; null: the request has none.</param>
internal sealed record AwsRight(string Action, string Resource, string? Prefix = null);
